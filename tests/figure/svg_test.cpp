// The SVG as other programs read it: well-formed, complete, the same bytes every time.
#include "engine/figure/svg.h"
#include "tests/figure/sample_figures.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace blockcert::figure {
namespace {

namespace fs = std::filesystem;

fs::path here()
{
    const char* source = std::getenv("BLOCKCERT_SOURCE"); // NOLINT(concurrency-mt-unsafe)
    return fs::path(source == nullptr ? "." : source) / "tests/figure";
}

std::string readFile(const fs::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

// What Python's XML parser finds: the status of check_svg.py.
int parsed(const std::string& svg)
{
    std::string pattern = (fs::temp_directory_path() / "blockcert-svg-XXXXXX").string();
    const fs::path folder = ::mkdtemp(pattern.data());
    std::ofstream(folder / "figure.svg", std::ios::binary) << svg;
    const std::string command =
        "/usr/bin/python3 '" + (here() / "check_svg.py").string() + "' '" + (folder / "figure.svg").string() + "'";
    const int status = std::system(command.c_str()); // NOLINT(concurrency-mt-unsafe)
    fs::remove_all(folder);
    return status;
}

// BLOCKCERT_BLESS=1 rewrites the golden file; look at it before committing.
void expectGolden(const std::string& name, const std::string& svg)
{
    const fs::path path = here() / "golden" / name;
    if (std::getenv("BLOCKCERT_BLESS") != nullptr) // NOLINT(concurrency-mt-unsafe)
        std::ofstream(path, std::ios::binary) << svg;
    EXPECT_EQ(svg, readFile(path)) << path;
}

TEST(Svg, LooksAsItDid)
{
    expectGolden("curves_and_bars.svg", writeSvg(test::curvesAndBars()));
    expectGolden("cells.svg", writeSvg(test::cells()));
}

TEST(Svg, IsWellFormedForAnIndependentParser)
{
    EXPECT_EQ(parsed(writeSvg(test::curvesAndBars())), 0);
    EXPECT_EQ(parsed(writeSvg(test::cells())), 0);
    EXPECT_NE(parsed("<svg><text></svg>"), 0);
}

TEST(Svg, HoldsHostileTextHarmless)
{
    Figure figure = test::curvesAndBars();
    const std::string hostile = std::string("</text><script>alert(1)</script>]]>&amp;\x01\xFF") + '\0' + "\u202E\"'";
    figure.title = figure.scope = figure.caption = hostile;
    figure.panels[0].title = figure.panels[0].y.label = figure.panels[0].series[0].name = hostile;
    figure.panels[1].x.categories[0] = hostile;
    figure.metadata.emplace_back(hostile, hostile);
    const std::string svg = writeSvg(figure);
    EXPECT_EQ(svg.find("<script"), std::string::npos);
    EXPECT_EQ(parsed(svg), 0);
}

TEST(Svg, CarriesTitleCaptionAndMetadata)
{
    const std::string svg = writeSvg(test::curvesAndBars());
    EXPECT_THAT(svg, testing::HasSubstr("<title>Curves &quot;and&quot; bars</title>"));
    EXPECT_THAT(
        svg, testing::HasSubstr("<desc>a model · three prompts Dots are measurements; lines only join them.</desc>"));
    EXPECT_THAT(svg, testing::HasSubstr("<blockcert:entry name=\"model\">a &amp; b</blockcert:entry>"));
}

TEST(Svg, SetsSubscriptsLowAndSmall)
{
    Figure figure = test::curvesAndBars();
    figure.panels[0].y.label = "‖W − Ŵ‖_F";
    figure.panels[0].rules[0].name = "τ_act = 0.01";
    figure.panels[0].title = "my_model.W_Q";
    const std::string svg = writeSvg(figure);
    EXPECT_THAT(svg, testing::HasSubstr(">‖W − Ŵ‖<tspan dy=\"2.64\" font-size=\"8.64\">F</tspan></text>"));
    EXPECT_THAT(svg, testing::HasSubstr(">τ<tspan dy=\"2.64\" font-size=\"8.64\">act</tspan><tspan dy=\"-2.64\"> = "
                                        "0.01</tspan></text>"));
    EXPECT_THAT(svg, testing::HasSubstr(">my_model.W<tspan")) << "a file's own underscore stays";
    EXPECT_EQ(parsed(svg), 0);
}

TEST(Svg, DrawsNoTitleForAPaper)
{
    SvgStyle bare;
    bare.bare = true;
    const std::string svg = writeSvg(test::curvesAndBars(), bare);
    EXPECT_THAT(svg, testing::HasSubstr("<title>Curves &quot;and&quot; bars</title>"));
    EXPECT_EQ(svg.find("bold\">Curves"), std::string::npos);
    EXPECT_EQ(svg.find("three prompts</text>"), std::string::npos);
    EXPECT_NE(writeSvg(test::curvesAndBars()).find("bold\">Curves"), std::string::npos);
}

TEST(Svg, GivesEqualBytesForEqualFigures)
{
    EXPECT_EQ(writeSvg(test::curvesAndBars()), writeSvg(test::curvesAndBars()));
    Figure other = test::curvesAndBars();
    other.panels[0].series[0].points[0].y = 3e-5;
    EXPECT_NE(writeSvg(test::curvesAndBars()), writeSvg(other));
}

}
}
