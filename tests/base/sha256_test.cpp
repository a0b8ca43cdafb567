#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/base/sha256.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>

namespace blockcert {
namespace {

// FIPS 180-4 examples, as published by NIST.
TEST(Sha256, AgreesWithPublishedVectors)
{
    EXPECT_EQ(sha256Of(std::string_view()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256Of(std::string_view("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256Of(std::string_view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256Of(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileReportsEveryByteAndCanBeStopped)
{
    const std::filesystem::path path = testing::TempDir() + "sha256_test.bin";
    std::ofstream(path, std::ios::binary) << std::string(3U << 20U, 'x');
    std::int64_t last = 0;
    const RunContext counting({}, [&](const Progress& progress) { last = progress.done; });
    EXPECT_EQ(sha256OfFile(path, counting), sha256Of(std::string(3U << 20U, 'x')));
    EXPECT_EQ(last, 3 << 20);

    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW((void)sha256OfFile(path, RunContext(stop.get_token(), {})), Cancelled);
    EXPECT_THROW((void)sha256OfFile(testing::TempDir(), RunContext()), FileError);
    EXPECT_THROW((void)sha256OfFile(path.string() + ".missing", RunContext()), FileError);
    const std::filesystem::path pipe = path.string() + ".pipe"; // never waited for
    std::filesystem::remove(pipe);
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_THROW((void)sha256OfFile(pipe, RunContext()), FileError);
}

// The expected digest was computed with Python's hashlib and struct from the documented byte sequence.
TEST(Sha256, OfATensorCoversNameShapeAndBytes)
{
    HostTensor tensor{DType::F32, {2, 1}, std::vector<std::byte>(8)};
    tensor.bytes[3] = std::byte{0x3F};
    EXPECT_EQ(sha256OfTensor(tensor), "9c735970cba49bc38cca28f179298a1ac2fc3070de0b28ac8b43a55fc558f482");
    HostTensor other = tensor;
    other.shape = {1, 2};
    EXPECT_NE(sha256OfTensor(other), sha256OfTensor(tensor));
    other = tensor;
    other.dtype = DType::I32;
    EXPECT_NE(sha256OfTensor(other), sha256OfTensor(tensor));
}

}
}
