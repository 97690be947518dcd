"""The weighted list of all the practices of a commissioner: what money of all is divided by."""

from capitation.vocabulary import total

commissioner_list = total(
    "payment_weighted_list",
    over="practices",
    title="Weighted list of the commissioner's practices, for money of all of them",
)
