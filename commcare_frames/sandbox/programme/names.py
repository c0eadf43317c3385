"""Names of people and villages in the three languages of the programme."""

# ruff: noqa: PLR2004  shares, ages and weeks are what they are here; a name for each would hide the picture

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .draws import Draw


class Names(NamedTuple):
    """What people and places of one language are called, in its own script and in Latin letters."""

    women: tuple[tuple[str, str], ...]
    men: tuple[tuple[str, str], ...]
    families: tuple[tuple[str, str], ...]
    village_starts: tuple[str, ...]
    village_ends: tuple[str, ...]


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    words = text.split()
    return tuple(zip(words[::2], words[1::2], strict=True))


def _same(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((word, word) for word in text.split())


HINDI = Names(
    women=_pairs(
        "सीता Sita गीता Geeta सुनीता Sunita पूजा Pooja अनीता Anita रेखा Rekha कविता Kavita मीना Meena "
        "राधा Radha सरिता Sarita पिंकी Pinki ममता Mamta शबनम Shabnam रुखसाना Rukhsana फ़ातिमा Fatima "
        "लक्ष्मी Lakshmi आशा Asha नेहा Neha ज्योति Jyoti संगीता Sangeeta"
    ),
    men=_pairs(
        "रमेश Ramesh सुरेश Suresh अजय Ajay विजय Vijay मोहन Mohan राजेश Rajesh संजय Sanjay मुकेश Mukesh "
        "इमरान Imran अशोक Ashok दिनेश Dinesh पंकज Pankaj"
    ),
    families=_pairs(
        "देवी Devi कुमारी Kumari यादव Yadav पासवान Paswan ख़ातून Khatoon शर्मा Sharma महतो Mahto मांझी Manjhi "
        "सिंह Singh राम Ram"
    ),
    village_starts=(
        "Ram",
        "Raj",
        "Kishan",
        "Gopal",
        "Sultan",
        "Hari",
        "Madho",
        "Bhagwan",
        "Laxmi",
        "Chand",
        "Fateh",
        "Mirza",
    ),
    village_ends=("pur", "ganj", "nagar", "tola", "garh", " Bigha", "chak", "pur Kalan"),
)
AMHARIC = Names(
    women=_pairs(
        "ሰላም Selam ሀና Hana ማርታ Marta ትዕግስት Tigist አለም Alem ብርቱካን Birtukan ገነት Genet አስቴር Aster "
        "ዘነበች Zenebech ሙሉ Mulu ራሔል Rahel ሜሮን Meron ወይንሸት Woynshet አበባ Abeba"
    ),
    men=_pairs("አበበ Abebe ከበደ Kebede ተስፋዬ Tesfaye ዳዊት Dawit ሙሉጌታ Mulugeta ግርማ Girma ሰለሞን Solomon ዮሐንስ Yohannes"),
    families=_pairs("በቀለ Bekele አለሙ Alemu ታደሰ Tadesse ወልዴ Wolde ገብሬ Gebre አያሌው Ayalew ደምሴ Demissie ሀይሌ Haile"),
    village_starts=(
        "Addis",
        "Debre",
        "Gish",
        "Woreta",
        "Kolla",
        "Dega",
        "Meket",
        "Azezo",
        "Sanja",
        "Hamusit",
        "Tis",
        "Haik",
    ),
    village_ends=(" Alem", " Berhan", " Abay", " Mariam", " Gebeya", " Amba", " Wuha", " Meda"),
)
FRENCH = Names(
    women=_same(
        "Aïssatou Fatou Aminata Mariama Khady Ndèye Élodie Thérèse Adèle Hélène Awa Rokhaya Céline Noëlle Bintou Coumba"
    ),
    men=_same("Mamadou Ousmane Ibrahima Cheikh Moussa François Aimé Jérôme Abdoulaye Étienne"),
    families=_same("Diallo Ndiaye Sène Traoré Koné N'Diaye Faye Sow Gueye Mané Bâ Béye"),
    village_starts=(
        "Kéré",
        "Saré",
        "Dindé",
        "Médina",
        "Ndiagué",
        "Touba",
        "Bandafassi",
        "Salé",
        "Fongo",
        "Thiénaba",
        "Keur",
        "Ngoundi",
    ),
    village_ends=(" Diallo", " Ndiaye", " Bâ", "-Nord", "-Sud", " Sérère", " Peul", "mba"),
)
BY_LANGUAGE = {"hi": HINDI, "am": AMHARIC, "fr": FRENCH}


def full_name(draw: Draw, language: str, *, man: bool = False) -> str:
    """Name a person, mostly in the script of the language; now and then with a blank too many."""
    names = BY_LANGUAGE[language]
    script = int(draw.random() < 0.35)
    first, family = draw.pick(names.men if man else names.women)[script], draw.pick(names.families)[script]
    return f"{first} {family}" if draw.random() < 0.98 else f"{first} {family} "
