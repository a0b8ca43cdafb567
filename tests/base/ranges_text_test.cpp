#include "engine/base/ranges_text.h"

#include <gtest/gtest.h>

namespace blockcert {
namespace {

TEST(RangesText, JoinsThreeAndMoreThatFollowEachOther)
{
    const auto text = [](std::vector<std::int32_t> numbers) { return rangesText(numbers); };
    EXPECT_EQ(text({}), "");
    EXPECT_EQ(text({7}), "7");
    EXPECT_EQ(text({0, 1}), "0, 1");
    EXPECT_EQ(text({0, 1, 2}), "0–2");
    EXPECT_EQ(text({0, 1, 2, 3, 5, 7, 8, 11, 12, 13}), "0–3, 5, 7, 8, 11–13");
    EXPECT_EQ(blocksText(std::vector<std::int32_t>{}), "");
    EXPECT_EQ(blocksText(std::vector<std::int32_t>{3}), "block 3");
    EXPECT_EQ(blocksText(std::vector<std::int32_t>{0, 1, 2, 7}), "blocks 0–2, 7");
    EXPECT_EQ(rangesText(std::vector<std::int32_t>{9, 10, 11}, "-"), "9-11");
}

}
}
