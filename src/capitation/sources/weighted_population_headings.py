"""What each heading of NHS England's weighted populations means, in either publication.

To add a layout, add its headings here; the reader needs no change.
"""

from __future__ import annotations

from dataclasses import dataclass

PERSONS, MONEY = "patient", "GBP/year"
NEED = "Population weighted for the need for"


@dataclass(frozen=True)
class Column:
    """A meaning, and its heading in a file with targets and in an allocation tool.

    A heading is compared by its letters and digits; ``#`` stands for any digit. ``scale`` makes
    an amount in the unit of a printed one.

    Parameters
    ----------
    name, long_name : str
        As a Dataset has them.
    targets, tool : str
        The heading beside target allocations, and in an allocation tool; empty where there is none.
    units : str
        Empty for labels.
    scale : float
    """

    name: str
    long_name: str
    targets: str = ""
    tool: str = ""
    units: str = ""
    scale: float = 1.0

    def heading(self, layout: str) -> str:
        """The heading in a layout: ``"targets"`` or ``"tool"``."""
        return self.targets if layout == "targets" else self.tool


LABELS = (
    Column("practice", "Practice code", "practice", "practicecode"),
    Column("practice_name", "Practice name", "gppracticename", "gppracticename"),
    Column("commissioner", "Commissioner code (CCG or sub-ICB location)", "ccg", "loc##"),
    Column("commissioner_name", "Commissioner name", "ccg##", "loc##name"),
    Column("former_commissioner", "Code of the clinical commissioning group", "", "ccg##"),
    Column("former_commissioner_name", "Clinical commissioning group", "", "formerccg"),
    Column("primary_care_network", "Primary care network code", "pcn", "pcncode"),
    Column("primary_care_network_name", "Primary care network", "pcnname", "pcnname"),
    Column("integrated_care_system", "Code of the STP, later ICS", "stp##", "ics##"),
    Column("integrated_care_system_name", "STP, later ICS", "stp####", "ics##name"),
    Column("region", "NHS England region code", "r##", "r##"),
    Column("region_name", "NHS England region", "region###", "region##"),
    Column("local_authority", "Code of the district", "", "lad##"),
    Column("local_authority_name", "District", "", "ltla##"),
)
"""Columns of text. Any but the practice may be blank."""

FIGURES = (
    Column("registered_population", "Registered population", "gppop", "pop######", PERSONS),
    Column("registered_list", "Patients registered", "", "patients", PERSONS),
    Column(
        "weighted_population_general_and_acute",
        f"{NEED} general and acute services",
        "wpga",
        "gawp",
        PERSONS,
    ),
    Column("weighted_population_community", f"{NEED} community services", "wpcs", "cswp", PERSONS),
    Column(
        "weighted_population_mental_health",
        f"{NEED} mental health services",
        "wpmh",
        "mhwp",
        PERSONS,
    ),
    Column("weighted_population_maternity", f"{NEED} maternity", "wpmat", "matwp", PERSONS),
    Column(
        "weighted_population_hospital_and_community",
        f"{NEED} hospital and community services",
        "wphchs",
        "",
        PERSONS,
    ),
    Column(
        "weighted_population_prescribing", f"{NEED} prescribing", "wppresc", "prescrwp", PERSONS
    ),
    Column(
        "weighted_population_health_inequalities",
        "Population weighted for health inequalities (avoidable mortality)",
        "wpam",
        "healthineqwp",
        PERSONS,
    ),
    Column("market_forces_factor", "Market forces factor", "mffindex", "", "1"),
    Column(
        "emergency_ambulance_index", "Emergency ambulance cost adjustment", "eacaindex", "", "1"
    ),
    Column("weighted_population", "Overall weighted population", "wpoverall", "finalwp", PERSONS),
    Column("need_index", "Overall weighted over registered population", "needindex", "", "1"),
    Column(
        "published_target_allocation",
        "Target allocation without remoteness, as published",
        "targetexcremotek",
        "",
        MONEY,
        1_000.0,
    ),
    Column(
        "published_target_allocation_with_remoteness",
        "Target allocation with remoteness, as published",
        "targetincremotek",
        "",
        MONEY,
        1_000.0,
    ),
    Column(
        "weighted_population_primary_medical_care",
        "Population weighted for the workload of primary medical care",
        "",
        "primarymedicalcarewp",
        PERSONS,
    ),
    Column(
        "published_primary_medical_weighted_population",
        "Primary medical weighted population with inequalities, as published",
        "",
        "finalpmcwp",
        PERSONS,
    ),
)
"""Columns of numbers."""

PLACES = (
    Column("latitude", "Latitude", "", "latitude", "degree"),
    Column("longitude", "Longitude", "", "longitude", "degree"),
)
"""Where the practice is, as far as the file says."""

EVERY = (*LABELS, *FIGURES, *PLACES)

WANTED = {
    "targets": {column.name for column in FIGURES if column.targets} | {"practice", "commissioner"},
    "tool": {column.name for column in FIGURES if column.tool} - {"registered_list"}
    | {"practice", "commissioner"},
}
"""Columns without which a file is refused."""
