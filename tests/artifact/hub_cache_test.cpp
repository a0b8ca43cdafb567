#include "engine/base/error.h"
#include "tests/artifact/model_fixture.h"

#include <gmock/gmock.h>

namespace blockcert::artifact {
namespace {

using test::TemporaryFolder;
using testing::HasSubstr;

constexpr const char* commit = "0123456789abcdef0123456789abcdef01234567";

// A cache with one model, its file a relative link into blobs as the hub's own library makes it.
class HubCache : public testing::Test {
protected:
    HubCache()
    {
        const std::string model = "models--org--tiny/";
        m_folder.write(model + "refs/main", commit);
        m_folder.write(model + "refs/pr/1", std::string(commit) + "\n");
        m_folder.write(model + "blobs/b1", "{}");
        std::filesystem::create_directories(snapshot());
        std::filesystem::create_symlink("../../blobs/b1", snapshot() / "config.json");
        m_folder.write("models--gpt2/refs/main", commit);
        std::filesystem::create_directories(m_folder.path() / "models--gpt2/snapshots" / commit);
    }

    [[nodiscard]] std::filesystem::path snapshot() const
    {
        return m_folder.path() / "models--org--tiny/snapshots" / commit;
    }

    [[nodiscard]] ModelLocations locations() const { return {.hubCache = m_folder.path(), .demoModel = {}}; }

    TemporaryFolder m_folder;
};

TEST_F(HubCache, FindsTheMainRevision)
{
    EXPECT_EQ(resolveModel("org/tiny", locations()), snapshot());
}

TEST_F(HubCache, FindsABranchAndACommit)
{
    EXPECT_EQ(resolveModel("org/tiny@pr/1", locations()), snapshot());
    EXPECT_EQ(resolveModel(std::string("org/tiny@") + commit, locations()), snapshot());
}

TEST_F(HubCache, FindsAModelWithoutOrganisation)
{
    EXPECT_EQ(resolveModel("gpt2", locations()).parent_path().parent_path().filename(), "models--gpt2");
}

TEST_F(HubCache, NamesThePlacesItLookedIn)
{
    const std::string message = test::messageOf<FileError>([&] { (void)resolveModel("org/other", locations()); });
    EXPECT_THAT(message, HasSubstr("models--org--other/refs/main"));
    EXPECT_THAT(message, HasSubstr("Nothing is downloaded"));
    EXPECT_THROW((void)resolveModel("org/tiny@nowhere", locations()), FileError);
}

TEST_F(HubCache, NeverLeavesTheCache)
{
    for (const char* model :
         {"../tiny", "org/..", "org/../x", "a--b/c", "org/tiny@../../x", "org/tiny@/etc", "org/tiny@", "@main"})
        EXPECT_THROW((void)resolveModel(model, locations()), FileError) << model;
}

TEST_F(HubCache, RefusesAReferenceThatIsNoCommit)
{
    m_folder.write("models--org--tiny/refs/main", "../../../etc");
    EXPECT_THROW((void)resolveModel("org/tiny", locations()), FormatError);
    m_folder.write("models--org--tiny/refs/main", std::string(100'000, 'a'));
    EXPECT_THROW((void)resolveModel("org/tiny", locations()), ResourceError);
}

TEST_F(HubCache, IsNotNeededForAPath)
{
    EXPECT_EQ(resolveModel(m_folder.path().string(), {}), m_folder.path());
    EXPECT_THROW((void)resolveModel("org/tiny", {}), FileError);
    EXPECT_THROW((void)resolveModel("", locations()), UsageError);
}

TEST_F(HubCache, RefusesPickleFilesAndSaysHowToConvertThem)
{
    const auto path = m_folder.write("pytorch_model.bin", "x");
    EXPECT_THAT(test::messageOf<UnsupportedError>([&] { (void)resolveModel(path.string(), locations()); }),
                HasSubstr("save_pretrained"));
}

TEST_F(HubCache, GivesTheDemoModelWhereItIsSetUp)
{
    const auto path = m_folder.write("demo.gguf", "x");
    EXPECT_EQ(resolveModel("demo", {.hubCache = {}, .demoModel = path}), path);
    EXPECT_THAT(test::messageOf<FileError>([&] { (void)resolveModel("demo", {}); }), HasSubstr("./run"));
    EXPECT_THROW((void)resolveModel("demo", {.hubCache = {}, .demoModel = m_folder.path() / "missing.gguf"}),
                 FileError);
}

TEST_F(HubCache, OpensASnapshotThroughItsLinksAndNamesTheRepository)
{
    const auto source = test::testData() / "models" / "llama-gqa";
    std::filesystem::remove(snapshot() / "config.json");
    for (const char* file : {"config.json", "model.safetensors"}) {
        m_folder.write(std::string("models--org--tiny/blobs/") + file, test::readFile(source / file));
        std::filesystem::create_symlink(std::filesystem::path("../../blobs") / file, snapshot() / file);
    }
    const Checkpoint checkpoint = Checkpoint::open(resolveModel("org/tiny", locations()));
    EXPECT_EQ(checkpoint.name(), "org/tiny");
    EXPECT_EQ(checkpoint.files().front().path.filename(), "model.safetensors");
}

}
}
