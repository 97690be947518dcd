"""Reactivation of a suspended contract: every rule worked out by hand."""

# Arguments in the order of the rule's brackets, and what it gives.
BY_HAND = {
    "contract_suspended": [((3, 0), 1), ((3, 1), 0), ((2, 0), 0), ((0, 0), 0)],
    # Two whole years, and a month more
    "months_suspended": [((23, 1), 24), ((24, 1), 25), ((24, 0), 24), ((0, 0), 0)],
    "months_reactivated": [((0, 3, 1), 1), ((11, 3, 1), 12), ((11, 3, 0), 0), ((11, 2, 1), 0)],
    # At the second anniversary all but one in twenty; a month later only those who ask
    # unless a decision says what they do, whatever months have been counted
    "following_share": [
        ((24, 24, 0, 0.95, 0.2), 0.95),
        ((25, 24, 0, 0.95, 0.2), 0.2),
        ((30, 24, 1, 0.95, 0.2), 0.95),
        ((0, 24, 2, 0.95, 0.2), 0.2),
    ],
    "patients_following": [
        ((0, 0, 0.95), 0),
        ((0, 1, 0.95), 0.95),
        ((0.95, 2, 0.2), 0.95),  # as it was settled
        ((0.95, 0, 0.95), 0),  # the practice has come back
    ],
    # A fifth of 7,000 patients, and of 8,000 weighted
    "list_following": [((7000, 0.2), 1400), ((7000, 0), 0)],
    "list_staying": [((7000, 1400), 5600), ((7000, 0), 7000)],
    "weighted_list_following": [((8000, 0.2), 1600)],
    "weighted_list_staying": [((8000, 1600), 6400)],
    "core_leaving": [((50_000, 0.95), 47_500), ((50_000, 0), 0)],
    # A fifth of £47,500 is £9,500: in full at first, half of it after six of twelve months
    "stranded_cost": [
        ((47_500, 0.2, 1, 12), 9_500),
        ((47_500, 0.2, 7, 12), 4_750),
        ((47_500, 0.2, 13, 12), 0),
        ((47_500, 0.2, 1, 0), 0),
        ((0, 0.2, 0, 12), 0),
    ],
}
