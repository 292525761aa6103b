"""Where ZIP codes, states and area codes are: zones and states, written down by us.

Lives here: data, and the reading of it into look-up tables. The letters of zones are those of `zones.BY_KEY`.

Sources: 49 CFR part 71 for the boundaries, public ZIP and numbering data of 2026 for what lies in them; `python -m tests.places`
compares the tables with such data, once a year. Where a prefix or a code lies in two zones, it has both: a recipient is then
texted only in the hours that both allow. What is in no table is unknown.
"""

from __future__ import annotations

from typing import Final

STATES: Final = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado", "CT": "Connecticut",
    "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho",
    "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine",
    "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri",
    "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
    "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas",
    "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin",
    "WY": "Wyoming",
    "AS": "American Samoa", "GU": "Guam", "MP": "Northern Mariana Islands", "PR": "Puerto Rico", "VI": "Virgin Islands",
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick", "NL": "Newfoundland and Labrador",
    "NS": "Nova Scotia", "NT": "Northwest Territories", "NU": "Nunavut", "ON": "Ontario", "PE": "Prince Edward Island",
    "QC": "Quebec", "SK": "Saskatchewan", "YT": "Yukon",
}  # fmt: skip
"""States, territories and provinces by their codes. The order is part of every ledger: new ones come last."""

PROVINCES: Final = frozenset({"AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"})

OTHER_NAMES: Final = {
    "WASHINGTON DC": "DC", "WASHINGTON D C": "DC", "D C": "DC", "US VIRGIN ISLANDS": "VI", "U S VIRGIN ISLANDS": "VI",
    "NEWFOUNDLAND": "NL", "LABRADOR": "NL", "QUÉBEC": "QC", "PQ": "QC", "YUKON TERRITORY": "YT", "YK": "YT",
    "COMMONWEALTH OF THE NORTHERN MARIANA ISLANDS": "MP", "NORTHERN MARIANAS": "MP", "NF": "NL", "NFLD": "NL", "PEI": "PE",
    "ALA": "AL", "ARIZ": "AZ", "ARK": "AR", "CALIF": "CA", "CAL": "CA", "COLO": "CO", "CONN": "CT", "DEL": "DE", "FLA": "FL",
    "ILL": "IL", "IND": "IN", "KANS": "KS", "KAN": "KS", "MASS": "MA", "MICH": "MI", "MINN": "MN", "MISS": "MS", "MONT": "MT",
    "NEBR": "NE", "NEB": "NE", "NEV": "NV", "N HAMPSHIRE": "NH", "N JERSEY": "NJ", "N MEXICO": "NM", "N MEX": "NM",
    "N YORK": "NY", "N CAROLINA": "NC", "NO CAROLINA": "NC", "S CAROLINA": "SC", "SO CAROLINA": "SC", "N DAKOTA": "ND",
    "N DAK": "ND", "S DAKOTA": "SD", "S DAK": "SD", "OKLA": "OK", "ORE": "OR", "OREG": "OR", "PENN": "PA", "PENNA": "PA",
    "R ISLAND": "RI", "TENN": "TN", "TEX": "TX", "VIRG": "VA", "WASH": "WA", "W VIRGINIA": "WV", "W VA": "WV", "WISC": "WI",
    "WIS": "WI", "WYO": "WY", "ALTA": "AB", "MAN": "MB", "ONT": "ON", "QUE": "QC", "SASK": "SK", "B COLUMBIA": "BC",
}  # fmt: skip
"""Other ways in which lists write them, in capitals and without dots and commas."""

ZONES_OF_STATE: Final = {
    "CT": "E", "DE": "E", "DC": "E", "FL": "E", "GA": "E", "IN": "E", "KY": "E", "MA": "E", "MD": "E", "ME": "E", "MI": "E",
    "NC": "E", "NH": "E", "NJ": "E", "NY": "E", "OH": "E", "PA": "E", "RI": "E", "SC": "E", "VA": "E", "VT": "E", "WV": "E",
    "AL": "C", "AR": "C", "IA": "C", "IL": "C", "KS": "C", "LA": "C", "MN": "C", "MO": "C", "MS": "C", "ND": "C", "NE": "C",
    "OK": "C", "SD": "C", "TN": "C", "TX": "C", "WI": "C",
    "CO": "M", "ID": "M", "MT": "M", "NM": "M", "UT": "M", "WY": "M", "CA": "P", "NV": "P", "OR": "P", "WA": "P",
    "AZ": "Z", "AK": "K", "HI": "H", "PR": "A", "VI": "A", "GU": "G", "MP": "G", "AS": "S",
    "AB": "L", "BC": "BL", "MB": "W", "NB": "N", "NL": "NT", "NS": "N", "PE": "N", "ON": "EWC", "QC": "ENA", "SK": "RL",
    "YT": "Y", "NT": "LY", "NU": "MCE",
}  # fmt: skip
"""The zone in which most of a state is, or all zones of a province. For the north-west of Ontario the data has Winnipeg's zone,
the law Central time; the south-east of British Columbia, Lloydminster and the Northwest Territories go by Alberta."""

SECOND_ZONE: Final = {
    "AK": "D", "AZ": "M", "FL": "C", "ID": "P", "IN": "C", "KS": "M", "KY": "C", "MI": "C", "ND": "M", "NE": "M", "NV": "M",
    "OR": "M", "SD": "M", "TN": "E", "TX": "M",
}  # fmt: skip
"""The other zone of the states that have two."""

CONTINENT: Final = "ECMZP"
"""The zones of somebody of whom nothing is known."""

_ZIPS: Final = """
005:E 006:A 010:E 324:CE 325:C 326:E 350:C 368:CE 369:C 373:CE 375:C 376:E 377:CE 378:E 380:C 398:E 401:CE 402:E 420:C 425:E
426:CE 430:E 463:C 465:CE 466:E 469:CE 470:E 475:CE 476:C 478:E 479:CE 480:E 498:CE 500:C 569:E 570:C 575:CM 577:M 580:C 585:CM
587:C 588:CM 590:M 600:C 677:CM 679:C 690:CM 693:M 700:C 739:CM 740:C 798:CM 800:M 835:MP 836:M 838:P 840:M 850:Z 860:MZ 863:Z
865:MZ 870:M 888:E 889:P 898:MP 900:P 967:H 969:G 970:P 979:MP 980:P 995:K
"""
_ZIP_STATES: Final = """
005:NY 006:PR 008:VI 009:PR 010:MA 028:RI 030:NH 039:ME 050:VT 055:MA 056:VT 060:CT 070:NJ 100:NY 150:PA 197:DE 200:DC 201:VA
202:DC 206:MD 220:VA 247:WV 270:NC 290:SC 300:GA 320:FL 340: 341:FL 350:AL 370:TN 386:MS 398:GA 400:KY 430:OH 460:IN 480:MI 500:IA
530:WI 550:MN 569:DC 570:SD 580:ND 590:MT 600:IL 630:MO 660:KS 680:NE 700:LA 716:AR 730:OK 733:TX 734:OK 750:TX 800:CO 820:WY
832:ID 840:UT 850:AZ 870:NM 885:TX 888:DC 889:NV 900:CA 962: 967:HI 969:GU 970:OR 980:WA 995:AK
"""
_MILITARY: Final = frozenset({*range(90, 99), 340, *range(962, 967)})
"""Prefixes of mail that follows the armed forces: nobody knows where its readers are."""

SINGLE_ZIPS: Final = {
    "99546": ("D", "AK"), "99547": ("D", "AK"), "96799": ("S", "AS"), "96950": ("G", "MP"), "96951": ("G", "MP"),
    "96952": ("G", "MP"), **dict.fromkeys(["96939", "96940", "96941", "96942", "96943", "96944", "96960", "96970"], ("", "")),
    "06390": ("E", "NY"), "20588": ("E", "MD"), "20598": ("E", "VA"), "72643": ("C", "MO"), "73960": ("CM", "TX"),
    "83414": ("M", "WY"),
}  # fmt: skip
"""ZIP codes that are elsewhere than their prefix: in the west of the Aleutians, Samoa, Saipan; Palau and others are unknown; of a
neighbouring state."""

POSTAL_PROVINCES: Final = {
    "A": "NL", "B": "NS", "C": "PE", "E": "NB", "G": "QC", "H": "QC", "J": "QC", "K": "ON", "L": "ON", "M": "ON", "N": "ON",
    "P": "ON", "R": "MB", "S": "SK", "T": "AB", "V": "BC", "X": "NT NU", "Y": "YT",
}  # fmt: skip
"""Provinces by the first letter of a Canadian postal code."""

_CODES: Final = """
AL 205 251 256 334 483 659 938 · AR 327 479 501 870 · AZ 480 520 602 623 928 · CA 209 213 279 310 323 341 350 357 369
408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707 714 738 747 760 805 818 820 831 837 840 858 909 916
925 949 951 · CO 303 719 720 748 970 983 · CT 203 475 860 959 · DC 202 771 · DE 302 · FL 239 305 321 324 352 386 407
448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954 · GA 229 404 470 478 678 706 762 770 912 943 · HI 808
· IA 319 515 563 641 712 · ID 208 986 · IL 217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872 · IN
219 260 317 463 574 765 812 930 · KS 316 620 785 913 · KY 270 364 502 606 859 · LA 225 318 337 504 985 · MA 339 351
413 508 617 774 781 857 978 · MD 227 240 301 410 443 667 · ME 207 · MI 231 248 269 313 517 586 616 679 734 810 906 947
989 · MN 218 320 507 612 651 763 952 · MO 235 314 417 557 573 636 660 816 975 · MS 228 601 662 769 · MT 406 · NC 252
336 472 704 743 828 910 919 980 984 · ND 701 · NE 308 402 531 · NH 603 · NJ 201 551 609 640 732 848 856 862 908 973 ·
NM 505 575 · NV 702 725 775 · NY 212 315 329 332 347 363 465 516 518 585 607 624 631 646 680 716 718 838 845 914 917
929 934 · OH 216 220 234 283 326 330 380 419 436 440 513 567 614 740 937 · OK 405 539 572 580 918 · OR 458 503 541 971
· PA 215 223 267 272 412 445 484 570 582 610 717 724 814 835 878 · RI 401 · SC 803 821 839 843 854 864 · SD 605 · TN
423 615 629 731 865 901 931 · TX 210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832
903 915 936 940 945 956 972 979 · UT 385 435 801 · VA 276 434 540 571 686 703 757 804 826 948 · VT 802 · WA 206 253
360 425 509 564 · WI 262 274 353 414 534 608 715 920 · WV 304 681 · WY 307 · AK 907 · PR 787 939 · VI 340 · GU 671 ·
MP 670 · AS 684 · AB 368 403 587 780 825 · BC 236 250 257 604 672 778 · MB 204 431 584 · NB 428 506 · NL 709 879 ·
NS/PE 782 902 · ON 807 226 249 289 343 365 382 416 437 519 548 613 647 683 705 742 753 905 942 · QC 273 367 418 581
263 354 438 450 468 514 579 819 873 · SK 306 474 639 · YT/NT/NU 867
· AB/BC/MB/NB/NL/NS/NT/NU/ON/PE/QC/SK/YT 387 460 537 568
"""

_CODE_ZONES: Final = {
    # Split between two zones.
    "MP": "208 986", "CE": "219 270 364 448 850 574 812 930 423 606 906", "CM": "308 402 531 432 915 605 620 785 701",
    "PM": "458 541 775", "KD": "907", "ZM": "928",
    # Split or not, nobody is sure: both.
    "EC": "334 483 765 865 931", "MC": "580",
    # Canada: one zone of a province that has several, or several by the map.
    "E": "226 249 289 343 365 382 416 437 519 548 613 647 683 705 742 753 905 942 263 354 438 450 468 514 579 819 873",
    "EWC": "807", "ENA": "273 367 418 581", "YLMCE": "867", "N": "782 902",
    # Canada's, and not in use yet: nobody knows where.
    "NTEWCRLBMY": "387 460 537 568",
}  # fmt: skip
"""Area codes whose zones are others than the one in which most of their state is."""

GROUPS: Final = ("AB/BC/MB/NB/NL/NS/NT/NU/ON/PE/QC/SK/YT", "NS/PE", "YT/NT/NU")
"""Provinces that share an area code. The order is part of every ledger."""

_ELSEWHERE: Final = "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876"
"""Area codes of the other countries of +1: four or five hours behind, some with summer time."""
_ELSEWHERE_ZONES: Final = "NAEC"


def zips() -> dict[str, tuple[str, str]]:
    """Zones and state of the ZIP codes that begin with these three digits."""
    zones, states = _spread(_ZIPS), _spread(_ZIP_STATES)
    return {
        prefix: ("", "") if int(prefix) in _MILITARY else (zones.get(prefix, ""), states.get(prefix, ""))
        for prefix in (f"{number:03}" for number in range(5, 1000))
    }


def area_codes() -> dict[str, tuple[str, str]]:
    """Zones of each area code, and its state: "NS/PE" where a code is that of two provinces, "" where it has none of ours."""
    found = dict.fromkeys(_ELSEWHERE.split(), (_ELSEWHERE_ZONES, ""))
    others = {code: zones for zones, codes in _CODE_ZONES.items() for code in codes.split()}
    for group in _CODES.split("·"):
        state, *codes = group.split()
        found.update({code: (others.get(code) or ZONES_OF_STATE[state], state) for code in codes})
    return found


def _spread(written: str) -> dict[str, str]:
    """A table in which a value holds until the next entry."""
    entries = dict(entry.split(":") for entry in written.split())
    spread, value = {}, ""
    for number in range(1000):
        value = entries.get(f"{number:03}", value)
        spread[f"{number:03}"] = value
    return spread
