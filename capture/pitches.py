"""What is said by those who sell to whoever has a form, in the languages that they write most in: expressions.

Each stands for one theme. A customer may touch a theme, so that one of `PITCHES` says little and two say much; what
stands in `BLATANT` is hardly ever said by anybody else. They are looked for in small letters, which is half the work.
"""

# ruff: noqa: E501 -- an expression is read best in one line

from __future__ import annotations

import re


def _compiled(*themes: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in themes)


PITCHES = _compiled(
    r"\b(first|top) (page|spot|position)s? (of|on|in) google\b|\bpage (one|1) of google\b|\brank(ing)?s? (you|your)\b",
    r"\b(back-?links?|link[- ]building|guest[- ]post(s|ing)?|sponsored (post|article)s?|domain authority|da ?\d\d)\b",
    r"\b(seo|smm|web ?design|app development|explainer video|lead generation|digital marketing) (services?|packages?|agency|company|experts?|offers?)\b",
    r"\b(i|we) (came across|found|visited|was on|checked|reviewed|noticed) (your|ur) (web ?site|site|page|business)\b",
    r"\b(boost|increase|skyrocket|double|grow|explode) your (traffic|sales|revenue|ranking|visibility|followers)\b",
    r"\b(casino|slots?|betting|free spins|jackpot|viagra|cialis|levitra|xanax|porn|escorts?|onlyfans|xxx)\b",
    r"\b(bitcoin|btc|crypto|forex|ethereum|usdt)\b.{0,60}\b(invest|profit|earn|return|trad|wallet|doubl)",
    r"\b(earn|make|win)\b.{0,20}[$€£] ?\d|\b[$€£]? ?\d+ ?[$€£]? (a|per) day\b|\bpassive income\b|\bwork from home\b",
    r"\b(business|personal|instant|working capital|unsecured) (loans?|funding)\b.{0,80}\b(approv|apply|interest|rate|%)",
    r"\b(email|e-mail|leads?|contact) (list|database)s?\b|\bverified (emails|contacts|leads)\b|\bbulk (email|sms)\b",
    r"\b(next of kin|inheritance|beneficiary|late client|fund transfer|million (dollars|usd|euros?))\b",
    r"\b(limited[- ]time|act now|click here|buy now|order now|100% (free|guaranteed)|money[- ]back|no obligation)\b",
    r"\b(our|a) (team|company|agency|factory|manufacturer)\b.{0,60}\b(offers?|provides?|specializ|specialis|suppl)",
    r"\b(hot|sexy|lonely|beautiful) (girls?|women|singles|ladies)\b|\bdating\b",
    r"\b(domain|website|trademark) (registration|listing)\b.{0,60}\b(expir|renew|terminat)|\bcopyright infringement\b",
    r"\b(replica|cheap|discount|wholesale) (watch|watches|bags?|shoes|rolex|viagra|pills|meds|prices?)",
    r"\b(erste[rn]? seite|platz 1|top[- ]?ranking|google[- ]ranking)\b|\bsuchmaschinenoptimierung.{0,40}(anbiet|angebot|paket)",
    r"\b(auf ihre|ihre) (web ?seite|internetseite|homepage) (gestoßen|gefunden|gestossen|angesehen|analysiert)\b",
    r"\b(kredit|darlehen)\b.{0,60}\b(ohne schufa|sofort|zinsen)|\bgeld verdienen\b|\bjetzt (klicken|zugreifen|sichern)\b",
    r"\bpremi[eè]re page (de|sur) google\b|\br[eé]f[eé]rencement (naturel|seo|web)\b.{0,60}\b(offre|propos|gratuit)",
    r"\bpr[eê]t\b.{0,40}\b(rapide|urgent|particulier|entre particuliers)|\bcliquez ici\b|\bgagne[rz]? de l.argent\b",
    r"\bprimera p[aá]gina (de|en) google\b|\bposicionamiento (seo|web)\b|\bhaga clic\b|\bgan(e|ar) dinero\b|\bpr[eé]stamos?\b",
    r"продвижени|раскрутк|казино|заработ|кредит|ставк[иа] на|рассылк|база данных|дешев|купить ссылк",
    r"优化排名|代开发票|加微信|博彩|赌场|贷款|外贸推广|カジノ|副業|稼げ",
)

BLATANT = _compiled(
    r"\b(next of kin|inheritance|beneficiary)\b.{0,80}\b(million|fund|bank|late)|\b(million|fund transfer)\b.{0,80}\b(next of kin|beneficiary)",
    r"\b(do-?follow|guest post|sponsored post|link insertion)s?\b.{0,120}\b(do-?follow|back-?links?|da ?\d\d|link insertion)\b",
    r"\bwithout (a )?(prescription|exams?)\b",
    r"\b(only pay|pay only) (for|per) (results?|lead)|\b\d+ (more |new )?(leads|customers|clients|patients) (per|a|every|each) (day|week|month)\b",
    r"\b(a )?buyers? for (companies|businesses) like yours\b|\breply yes\b",
    r"\bmillions? of (contact forms|websites|emails|companies)\b",
    r"\bwikipedia page for your\b|\b(helps?|for) (companies|businesses) like yours\b",
    r"\b(virtual assistants?|trained staff|developers?)\b.{0,80}\bfrom (just |only )?[$€£] ?\d",
    r"\b(app|web|software) development\b.{0,60}\b(rates?|from) (from )?[$€£] ?\d|\boutsource your\b",
    r"\breal (traffic|followers|likes|visitors)\b",
    r"\bpremi[eè]re page (de|sur) google\b.{0,120}\b(offr|gratuit|propos)",
)
