"""What people are told before emotion recognition looks at them, in five languages.

In the European Union, whoever runs such a system has to tell it (Regulation (EU) 2024/1689, Article 50(3) and (5)):
clearly, and at the latest when it first looks at somebody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the command line shows its help without all that a service needs
    from edge_emo.live.events import DeviceKind


@dataclass(frozen=True)
class Notice:
    """A notice in one language: a title, what is done by a `camera`, a `microphone` or `both`, and what one can do."""

    title: str
    camera: str
    microphone: str
    both: str
    rest: str
    gap: str = " "

    def text(self, devices: Collection[DeviceKind]) -> str:
        """Return what it says where these devices are on; nothing where none is."""
        if not devices:
            return ""
        what = self.both if len(set(devices)) > 1 else self.camera if "camera" in devices else self.microphone
        return f"{what}{self.gap}{self.rest}"


NOTICES: Final[Mapping[str, Notice]] = {
    "en": Notice(
        "Emotion recognition",
        "A camera is on here. An AI system in this device estimates from faces how people feel, and proposes songs.",
        "A microphone is on here. An AI system in this device estimates from voices how people feel, and proposes "
        "songs.",
        "A camera and a microphone are on here. An AI system in this device estimates from faces and voices how people "
        "feel, and proposes songs.",
        "No picture or sound is stored or sent. If you do not want this, stay out of range, or ask the staff to switch "
        "it off.",
    ),
    "de": Notice(
        "Emotionserkennung",
        "Hier ist eine Kamera eingeschaltet. Ein KI-System in diesem Gerät schätzt aus dem Gesicht, wie Menschen sich "
        "fühlen, und schlägt Lieder vor.",
        "Hier ist ein Mikrofon eingeschaltet. Ein KI-System in diesem Gerät schätzt aus der Stimme, wie Menschen sich "
        "fühlen, und schlägt Lieder vor.",
        "Hier sind eine Kamera und ein Mikrofon eingeschaltet. Ein KI-System in diesem Gerät schätzt aus Gesicht und "
        "Stimme, wie Menschen sich fühlen, und schlägt Lieder vor.",
        "Bild und Ton werden weder gespeichert noch übertragen. Wenn Sie das nicht möchten, bleiben Sie bitte außer "
        "Reichweite, oder bitten Sie das Personal, das Gerät abzuschalten.",
    ),
    "fr": Notice(
        "Reconnaissance des émotions",
        "Une caméra fonctionne ici. Un système d’IA intégré à cet appareil estime, à partir des visages, les émotions "
        "des personnes et propose des chansons.",
        "Un microphone fonctionne ici. Un système d’IA intégré à cet appareil estime, à partir des voix, les émotions "
        "des personnes et propose des chansons.",
        "Une caméra et un microphone fonctionnent ici. Un système d’IA intégré à cet appareil estime, à partir des "
        "visages et des voix, les émotions des personnes et propose des chansons.",
        "Ni les images ni le son ne sont enregistrés ou transmis. Si vous ne le souhaitez pas, restez hors de portée "
        "ou demandez au personnel d’éteindre l’appareil.",
    ),
    "es": Notice(
        "Reconocimiento de emociones",
        "Aquí hay una cámara en funcionamiento. Un sistema de IA de este aparato estima, a partir de los rostros, las "
        "emociones de las personas y propone canciones.",
        "Aquí hay un micrófono en funcionamiento. Un sistema de IA de este aparato estima, a partir de las voces, las "
        "emociones de las personas y propone canciones.",
        "Aquí hay una cámara y un micrófono en funcionamiento. Un sistema de IA de este aparato estima, a partir de "
        "los rostros y las voces, las emociones de las personas y propone canciones.",
        "Ni las imágenes ni el sonido se guardan ni se transmiten. Si no lo desea, manténgase fuera de su alcance o "
        "pida al personal que apague el aparato.",
    ),
    "zh-Hant": Notice(
        "情緒辨識",
        "此處的攝影機正在運作。本裝置中的人工智慧系統會依臉部表情推估人的情緒，並推薦歌曲。",
        "此處的麥克風正在運作。本裝置中的人工智慧系統會依聲音推估人的情緒，並推薦歌曲。",
        "此處的攝影機與麥克風正在運作。本裝置中的人工智慧系統會依臉部表情和聲音推估人的情緒，並推薦歌曲。",
        "影像與聲音既不儲存，也不傳送。如果您不願意，請勿靠近，或請工作人員關閉本裝置。",
        gap="",
    ),
}
"""The notices by the tag of their language (BCP 47); zh-Hant is Chinese in traditional characters."""
