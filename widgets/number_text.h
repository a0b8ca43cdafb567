// How every number on screen is written. No view formats a number by itself.
#pragma once

#include <QString>

#include <cstdint>

namespace blockcert::widgets {

enum class Evidence : std::uint8_t { Measured, Bounded, Proved };

// Three significant digits, for tables: 0.0142, 2.41e-4, 19 800. "–" if missing.
[[nodiscard]] QString tableNumber(double value);
// The same for a magnitude, with as many more digits as are needed to see on which side of a threshold it lies:
// 0.01003 beside 0.01.
[[nodiscard]] QString tableNumber(double value, double threshold);
// A table number without the zeros at its end, for axes: 1e-6, 0.01, 0.4, 10.
[[nodiscard]] QString tickNumber(double value);
// Shortest decimal that reads back to the same double, for the inspector, tooltips and export.
[[nodiscard]] QString exactNumber(double value);
// As exactNumber, with an explicit sign: "+0.131".
[[nodiscard]] QString signedNumber(double value);
[[nodiscard]] QString signedTableNumber(double value);
// A fraction of 1 with three decimals, rounded down: 1.000 means all, 0.000 means none.
[[nodiscard]] QString coverageText(double value);
[[nodiscard]] QString coverageText(std::int64_t covered, std::int64_t total);
// "42.2 %": one decimal, but neither 0 % nor 100 % for what is neither; the space does not break.
[[nodiscard]] QString percentText(double fraction);
[[nodiscard]] QString countText(std::int64_t count);                  // 19 804, thin-space groups
[[nodiscard]] QString bytesText(std::uint64_t bytes);                 // 98.4 MB (powers of ten)
[[nodiscard]] QString durationText(double seconds);                   // 6.2 s, 3 min 20 s, 2 h 05 min
[[nodiscard]] QString etaText(double lowSeconds, double highSeconds); // "about 2–3 min left"
[[nodiscard]] QString digestText(const QString& hex);                 // 4d1e…90ab
// Of a digest that differs from another at character `difference`: first…, the four from there on…
[[nodiscard]] QString digestText(const QString& hex, int difference);
[[nodiscard]] QString rateText(double perSecond, const QString& unit);
// "0.014217 > 0.01": as many digits as are needed to see which is larger.
[[nodiscard]] QString comparisonText(double value, double threshold);
// Position of the first character in which the two differ; -1 if they are equal. Numbers of another order or sign
// differ from the first digit on.
[[nodiscard]] int firstDifference(const QString& a, const QString& b);
// Whether a text of this program is a number, alone or with a sign, a unit or a multiple sign: 3.1e-5, 98.4 MB, 20×.
[[nodiscard]] bool isNumberText(const QString& text);
// A token piece for people: leading space "␣", line feed "⏎", tab "⇥", other controls "\x1b".
[[nodiscard]] QString visiblePiece(const QString& piece);
// Text of files, prompts and tokens for a tool tip, as shownText() has it: Qt would take "<b>" for markup, so it is
// escaped; long lines wrap.
[[nodiscard]] QString plainToolTip(const QString& text);
// A name from outside, such as a folder's or a prompt's, for a line of text: what is not seen or would turn the text
// round (control characters, marks of direction) stands as its code, "\u202e".
[[nodiscard]] QString shownName(const QString& name);
// The same for sentences and lists that may hold such names: line feeds and tabs stay what they are.
[[nodiscard]] QString shownText(const QString& text);
[[nodiscard]] QString evidenceWord(Evidence evidence);

}
