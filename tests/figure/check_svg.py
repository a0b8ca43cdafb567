"""Parses an SVG with Python's XML parser and holds it against what every figure must have; exit code 0 if it does."""
import math
import sys
import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {SVG + name for name in ("svg", "title", "desc", "metadata", "polyline", "polygon", "circle", "text", "tspan")}

root = ET.parse(sys.argv[1]).getroot()
assert root.tag == SVG + "svg", root.tag
width, height = float(root.get("width")), float(root.get("height"))
assert root.get("viewBox").split() == ["0", "0", root.get("width"), root.get("height")]
for element in root.iter():
    foreign = element.tag == "{urn:blockcert:figure:1}entry"
    assert foreign or element.tag in ALLOWED, element.tag
    assert not any(name.lower().startswith("on") or "href" in name for name in element.attrib), element.attrib
    if element.tag in (SVG + "polyline", SVG + "polygon"):
        for point in element.get("points").split():
            x, y = map(float, point.split(","))
            assert math.isfinite(x) and -1 <= x <= width + 1 and -1 <= y <= height + 1, point
assert root.find(SVG + "title") is not None and root.find(SVG + "desc") is not None
assert root.findall(SVG + "text"), "no text"
