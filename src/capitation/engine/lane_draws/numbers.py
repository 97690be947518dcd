"""The random numbers of a step of a simulation, and what all scenarios' draws share of them."""

from __future__ import annotations

from capitation.engine.graph import Node, area_of, time_of
from capitation.engine.kernel import INDEX
from capitation.engine.lane_draws.quantiles import COUNT_ROWS
from capitation.engine.lane_draws.rows import LaneDrawRows
from capitation.engine.lanes.loops import len_mark


class LaneDrawNumbers(LaneDrawRows):
    """Writes how random numbers come about, and how a rule is drawn with them."""

    def numbers(self, drawn: list[Node]) -> None:
        """The random numbers of a step: none of them knows a scenario."""
        for stream in dict.fromkeys(self.graph.stream_of(node.name) for node in drawn):
            node = next(n for n in drawn if self.graph.stream_of(n.name) == stream)
            u, w = self.luck(node)
            area, time = area_of(node.dims), time_of(node.dims)
            of_area = f"{area}_key_[{INDEX[area]}]" if area else "no_key_[0]"
            of_time = f"{time}_key_[{INDEX[time]}]" if time else "no_key_[0]"
            of_stream = f"stream_key_[{self.plain.streams.index(stream)}]"
            key = f"key_of_draws_({of_area}, {of_time}, {of_stream})"
            self.write(f"uniform_lanes_({key}, draw_key_, place_(d_), now_, place_({u}))")
            places = f"place_({u}), place_({w}), place_({len_mark('now')})"
            self.write(f"normal_lanes_(now_, bits_, {places})")
        for node in drawn:
            if not self.by_scenario(node):
                self.prepare(node)

    def luck(self, node: Node) -> tuple[int, int]:
        """Where the uniforms and normal deviates of a random rule stand."""
        stream = self.graph.stream_of(node.name)
        return self.now(f"uniforms of {stream}"), self.now(f"deviates of {stream}")

    def terms(self, node: Node) -> int:
        return self.now(*(f"terms of {node.name}, {i}" for i in range(COUNT_ROWS)))

    def prepare(self, node: Node) -> None:
        """What is the same for every mean that a random rule may have."""
        assert node.drawn is not None
        spread = node.drawn.spread
        self.write(f"{spread} = {self.plain_element(spread)}")
        u, w = self.luck(node)
        if node.drawn.kind == "gamma":
            levels = self.now(f"levels of {node.name}")
            places = ", ".join(f"place_({at})" for at in (u, w, levels, len_mark("now")))
            self.write(f"gamma_level_lanes_({spread}, now_, bits_, {places})")
        else:
            places = f"place_({w}), place_({self.terms(node)})"
            self.write(f"count_terms_(larger_one_({spread}), now_, singles_, {places})")
