// A report as a value: sections of sentences, tables, figures and commands, before it becomes a page.
#pragma once

#include "engine/figure/figure.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace blockcert::report {

// Every text may hold anything, such as a prompt with markup: writers make it safe.

enum class Tone : std::uint8_t { Plain, Quiet, Good, Bad, Warning };

struct Cell {
    std::string text;
    Tone tone = Tone::Plain;
    std::string exact = {}; // every digit, for whoever points at it; may be empty

    friend bool operator==(const Cell&, const Cell&) = default;
};

enum class ColumnKind : std::uint8_t {
    Text,
    Number, // right-aligned, fixed pitch
    Fixed,  // digests, token pieces: fixed pitch
};

struct Column {
    std::string title;
    ColumnKind kind = ColumnKind::Text;

    friend bool operator==(const Column&, const Column&) = default;
};

struct Table {
    std::string caption;
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows; // as many cells as columns
    std::string leftOut = {};            // a sentence about the rows that are not here; empty: all are

    friend bool operator==(const Table&, const Table&) = default;
};

// Names and values, such as what a number was measured on; values are drawn in fixed pitch where they are digests.
struct Facts {
    std::vector<std::pair<std::string, std::string>> rows;

    friend bool operator==(const Facts&, const Facts&) = default;
};

struct Paragraph {
    std::string text;
    Tone tone = Tone::Plain;

    friend bool operator==(const Paragraph&, const Paragraph&) = default;
};

struct Bullets {
    std::vector<std::string> sentences;
    Tone tone = Tone::Plain;

    friend bool operator==(const Bullets&, const Bullets&) = default;
};

// How far something was checked. Claimed: nobody has, here.
enum class Standing : std::uint8_t { Claimed, Verified, Failed, NotChecked, WeakerThanPolicy };

// The one sentence that matters, with its state.
struct Statement {
    Standing standing = Standing::Claimed;
    std::string sentence;

    friend bool operator==(const Statement&, const Statement&) = default;
};

struct Commands {
    std::vector<std::string> lines;

    friend bool operator==(const Commands&, const Commands&) = default;
};

// A view that is not a figure, as it was drawn: on white, and the same in the dark.
struct Picture {
    std::string mime;   // "image/png"
    std::string base64; // its bytes
    double width = 0;   // in CSS pixels
    double height = 0;
    std::string text; // what it shows, for whoever has it read aloud

    friend bool operator==(const Picture&, const Picture&) = default;
};

// What a person wrote beside the numbers.
struct Note {
    std::string text;

    friend bool operator==(const Note&, const Note&) = default;
};

using Part = std::variant<Paragraph, Bullets, Statement, Facts, Table, figure::Figure, Picture, Commands, Note>;

struct Section {
    std::string title;
    int level = 1; // 1: an entry of the contents, 2: inside the section before it
    std::vector<Part> parts;

    friend bool operator==(const Section&, const Section&) = default;
};

struct Document {
    std::string title;
    std::string scope;   // one line under the title: measured on what
    std::string created; // ISO 8601 UTC
    std::string tool;    // "blockcert 0.1.0 (build …)"
    std::vector<Section> sections;

    friend bool operator==(const Document&, const Document&) = default;
};

[[nodiscard]] std::string standingWord(Standing standing); // "verified", "claimed, not verified here"

}
