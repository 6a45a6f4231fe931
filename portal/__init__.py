"""DOORS: everything that speaks HTTP, SMTP or SMS, and the commands at a terminal.

Parses, opens what the user may touch (access.py), calls one verb, answers. May import the
domain's verbs and queries, never its models. Nothing here may import Django at package
level, because `portal.click` runs without it.
"""
