"""What each heading of the 'NHS Payments to General Practice' files means, year by year.

The publication renames, respells and reorders its columns every year. A heading is therefore
compared by its letters alone, and each meaning lists the headings it has had. To add a layout,
add its spelling here; the reader needs no change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from capitation.practices import FIGURES

MONEY = "GBP/year"


def normalise_heading(text: str) -> str:
    """Reduce a heading to its letters, in lower case.

    Currency signs, footnote digits, blanks and punctuation say nothing about the meaning, and
    differ between the files of two years.

    Parameters
    ----------
    text : str
        A heading as it stands in a file.

    Returns
    -------
    str

    Examples
    --------
    >>> normalise_heading("GlobalSum_£"), normalise_heading("Other Payments1")
    ('globalsum', 'otherpayments')
    """
    return re.sub(r"[^a-z]", "", text.lower())


def words(heading: str) -> str:
    """Split a heading into words, without its currency sign, brackets and footnote.

    Parameters
    ----------
    heading : str
        A heading as it stands in a file, in words or in CamelCase.

    Returns
    -------
    str

    Examples
    --------
    >>> words("NonDESItem_£"), words("Out Of Area in Hours Urgent Care ")
    ('Non DES Item', 'Out Of Area in Hours Urgent Care')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", heading)
    return " ".join(re.sub(r"[^A-Za-z0-9]+", " ", spaced).split()).strip(" 0123456789")


def identifier(heading: str) -> str:
    """Make the name of a variable from a heading.

    Parameters
    ----------
    heading : str
        A heading as it stands in a file.

    Returns
    -------
    str

    Examples
    --------
    >>> identifier("UnplannedAdmissions_£"), identifier("Unplanned Admissions")
    ('unplanned_admissions', 'unplanned_admissions')
    """
    return words(heading).lower().replace(" ", "_")


@dataclass(frozen=True)
class Column:
    """A meaning, and the headings it has been printed under.

    Parameters
    ----------
    name : str
        The name it has in a Dataset.
    long_name : str
        What it is.
    spellings : tuple of str
        The headings, the preferred one first where a file may have several. ``*`` stands for any
        letters.
    units : str, optional
        Empty for labels and dates.
    required : bool, optional
        Whether a file without it is refused.
    ended : int, optional
        The first fiscal year (by its first calendar year) whose file may lack the column because
        the payment had ended; it is then zero.
    """

    name: str
    long_name: str
    spellings: tuple[str, ...]
    units: str = ""
    required: bool = True
    ended: int | None = None

    def rank(self, key: str) -> int | None:
        """Say which spelling `key`, a normalised heading, has; None if it means something else."""
        for number, spelling in enumerate(self.spellings):
            if fnmatchcase(key, "*".join(map(normalise_heading, spelling.split("*")))):
                return number
        return None


def _figure(
    name: str, spellings: tuple[str, ...], *, required: bool = True, ended: int | None = None
) -> Column:
    """A figure that rules may read, titled and measured as they know it."""
    unit, title = FIGURES[name]
    return Column(name, title, spellings, unit, required, ended)


LABELS = (
    Column("practice", "Practice code", ("Practice Code", "GP Practice Code")),
    Column("practice_name", "Practice name", ("Practice Name", "GP Practice Name")),
    # From 2022/23 the commissioner is a sub-location of an integrated care board. A republished
    # copy of that year keeps both a sub-ICB name and a 'CCG NAME' that holds the network's name.
    Column(
        "commissioner",
        "Commissioner code (CCG or sub-ICB location)",
        ("Sub ICB Code", "Sub ICB Location Code", "CCG Code"),
    ),
    Column(
        "commissioner_name",
        "Commissioner name",
        ("Sub ICB Name", "Sub ICB Location Name", "CCG Name"),
        required=False,
    ),
    Column("contract_type", "Contract type", ("Contract Type",)),
    Column(
        "region",
        "NHS England region or local office code",
        ("*Region*Code",),
        required=False,
    ),
    Column(
        "region_name",
        "NHS England region or local office name",
        ("*Region*Name",),
        required=False,
    ),
    Column("opened", "Date the practice opened", ("Practice Open Date",), required=False),
    Column("closed", "Date the practice closed", ("Practice Close Date",), required=False),
)
"""Columns of text and dates."""

LISTS = (
    _figure(
        "registered_list",
        (
            "Number of Registered Patients (Last Known Figure)",
            "Average Number of Registered Patients",
            "Number of Registered Patients",
        ),
    ),
    _figure(
        "weighted_list",
        (
            "Number of Weighted Patients (Last Known Figure)",
            "Average Number of Weighted Patients",
            "Number of Weighted Patients",
        ),
    ),
)
"""Columns of patients."""

PAYMENTS = (
    _figure("global_sum", ("Global Sum",)),
    _figure(
        "correction_factor",
        ("MPIG Correction Factor", "Correction Factor"),
        ended=2020,
    ),
    _figure("pms_expenditure", ("Balance of PMS Expenditure",)),
    _figure("seniority", ("Seniority", "Seniority Payments"), ended=2020),
    _figure(
        "qof",
        ("Total QOF Payments", "QOF Payments", "QOF"),
    ),
    _figure("premises", ("Premises Payments", "Premises"), required=False),
    _figure(
        "local_schemes",
        (
            "Total Local Enhanced Services",
            "Local Enhanced Services",
            "Total Local Incentive Schemes",
            "Local Incentive Schemes",
        ),
        required=False,
    ),
    _figure("other_payments", ("Other Payments",), required=False),
)
"""Payments with standard names, every one a component of the total."""

LOCAL_PARTS = (
    Column("nhais", "Local schemes, NHAIS", ("Local Enhanced Services NHAIS",), MONEY, False),
    Column("isfe", "Local schemes, ISFE", ("Local Enhanced Services ISFE",), MONEY, False),
)
"""The two payment systems that 2015/16 shows apart. Together they are `local_schemes`."""

TOTALS = (
    _figure(
        "total_payments",
        ("Total NHS Payments to General Practice",),
    ),
    Column(
        "deductions",
        "Deductions for pensions, levies and prescription charge income (negative)",
        ("Deductions for Pensions, Levies and Prescription Charge Income",),
        MONEY,
        required=False,
    ),
    Column(
        "total_less_deductions",
        "Total NHS payments to general practice, less deductions",
        ("Total NHS Payments to General Practice Minus Deductions",),
        MONEY,
        required=False,
    ),
)
"""Columns made from the payments, none of them a component."""

STANDARD = (*LABELS, *LISTS, *PAYMENTS, *LOCAL_PARTS, *TOTALS)

OWN_NAMES = (
    ("Doctors Retainer Scheme Payments",),
    ("Total Locum Allowances",),
    ("Prolonged Study Leave",),
    ("Appraisal Costs", "Appraisal - Appraiser Costs in Respect of Locums"),
    ("PCO Admin Other",),
    ("Alcohol",),
    ("Childhood Vaccination and Immunisation Scheme",),
    ("Extended Hours Access", "GP Extended Hours Access"),
    ("Facilitating Timely Diagnosis and Support for People with Dementia",),
    ("Improving Patient Online Access",),
    ("Influenza and Pneumococcal Immunisations",),
    ("Learning Disabilities",),
    ("Meningitis",),
    ("Minor Surgery",),
    ("Out of Area in Hours Urgent Care",),
    ("Patient Participation",),
    ("Pertussis",),
    ("Remote Care Monitoring",),
    ("Risk Profiling and Case Management",),
    ("Rotavirus and Shingles Immunisation",),
    ("Services for Violent Patients",),
    ("Unplanned Admissions",),
    ("Medical Assessment Reviews",),
    ("Weight Management Service",),
    # A component like the others, in spite of 'Total': without it the row does not add up.
    ("National Enhanced Services", "Total National Enhanced Services"),
    ("Information Management and Technology",),
    ("Non DES Item Pneumococcal Vaccine Childhood Immunisation Main Programme",),
    ("General Practice Forward View",),
    ("General Practice Transformation",),
    ("Winter Access Fund",),
    ("Prescribing Fee Payments",),
    ("Dispensing Fee Payments",),
    ("Reimbursement of Drugs",),
    ("PCN Participation",),
    ("PCN Leadership",),
    ("PCN Support",),
    ("PCN Extended Hours Access",),
    ("PCN Enhanced Access",),
    ("PCN Workforce",),
    ("PCN Investment and Impact Fund",),
    ("PCN Care Home Premium",),
    ("Covid Immunisation",),
    ("Covid Support and Expansion",),
    ("Long Covid",),
)
"""The other payments, each with its other spellings.

They keep their own names. Listing them makes the name the same in every year, where CamelCase with
a lower-case 'and' or 'of' (2016/17) cannot be split by rule.
"""

_TITLES = {normalise_heading(spelling): titles[0] for titles in OWN_NAMES for spelling in titles}

_KNOWN = frozenset(identifier(titles[0]) for titles in OWN_NAMES)

LEFT_OUT = re.compile(
    r"average.*|practice(address|postcode|type|rurality)|dispensingpractice|pcn(code|name)"
    r"|atypicalcharacteristics|quarterusedforpatientdata"
)
"""Printed averages, addresses and descriptions, which are not read."""


def own_title(heading: str) -> str:
    """Give the title of a payment that has no standard name, the same one for every year.

    Parameters
    ----------
    heading : str
        A heading as it stands in a file.

    Returns
    -------
    str

    Examples
    --------
    >>> own_title("InformationManagementandTechnology_£"), own_title("NewScheme_£")
    ('Information Management and Technology', 'New Scheme')
    """
    return _TITLES.get(normalise_heading(heading), words(heading))


def extra_total(heading: str) -> str | None:
    """Name a total that goes wider than `total_payments`; None if the heading is no such total.

    From 2020/21 the files add totals that include COVID-19 payments, payments to primary care
    networks, or both.

    Parameters
    ----------
    heading : str
        A heading as it stands in a file.

    Returns
    -------
    str or None

    Examples
    --------
    >>> extra_total("Total NHS Payments including PCN Workforce, Leadership and Support")
    'total_including_pcn'
    >>> extra_total("Total NHS Payments to General Practice")
    """
    key = normalise_heading(heading)
    if not (key.startswith("totalnhspayments") and "including" in key):
        return None
    parts = [part for part in ("covid", "pcn") if part in key]
    less = "_less_deductions" if key.endswith("minusdeductions") else ""
    return f"total_including_{'_and_'.join(parts) or 'more'}{less}"


def outside_total(name: str) -> bool:
    """Say whether a variable is left out of 'Total NHS Payments to General Practice'.

    COVID-19 payments and payments to a primary care network stand in the practice's row, after the
    total and outside it; the practice's own payment for taking part in a network is inside. The
    wider totals are outside too.

    Parameters
    ----------
    name : str
        The name of a variable.

    Returns
    -------
    bool

    Examples
    --------
    >>> outside_total("pcn_workforce"), outside_total("pcn_participation")
    (True, False)
    """
    wider = "covid" in name or name.startswith(("pcn_", "total_including"))
    return wider and name != "pcn_participation"


def is_known(name: str) -> bool:
    """Say whether a payment's own name is one of `OWN_NAMES`.

    Parameters
    ----------
    name : str
        The name of a variable.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_known("minor_surgery"), is_known("major_surgery")
    (True, False)
    """
    return name in _KNOWN
