# The helpers with which every room declares its library, program and test in one line each.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

add_library(blockcert_settings INTERFACE)
target_include_directories(blockcert_settings INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(blockcert_settings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast
    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
# The hundred tests are linked with a quick linker, the programs with the compiler's own. Not mold 1.10: it does not end
# with some inputs, and with others the program does not start.
if(EXISTS "/usr/bin/ld.lld" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(BLOCKCERT_TEST_LINKING -fuse-ld=lld)
endif()

# blockcert_room(artifact SOURCES a.cpp b.cpp LIBRARIES blockcert::base PRIVATE_LIBRARIES PkgConfig::HDF5)
# declares the static library blockcert_artifact, alias blockcert::artifact.
function(blockcert_room name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
    add_library(blockcert_${name} STATIC ${arg_SOURCES})
    add_library(blockcert::${name} ALIAS blockcert_${name})
    target_link_libraries(blockcert_${name} PUBLIC ${arg_LIBRARIES} PRIVATE blockcert_settings ${arg_PRIVATE_LIBRARIES})
    target_include_directories(blockcert_${name} INTERFACE "${CMAKE_SOURCE_DIR}")
endfunction()

# blockcert_test(verify_test SOURCES verify_test.cpp LIBRARIES blockcert::verify LABELS unit)
# declares a GoogleTest program with its own main. Every test gets BLOCKCERT_TEST_DATA (tests/data) and
# BLOCKCERT_BIN (the folder of the programs) in its environment, and BLOCKCERT_DEMO_MODEL where it is set up.
function(blockcert_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS;DEPENDS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE blockcert_settings ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
    # EXPECT_THROW discards results on purpose. Optimising the tests' own lines would double the time of building them.
    target_compile_options(${name} PRIVATE -Wno-unused-result -O0)
    target_link_options(${name} PRIVATE ${BLOCKCERT_TEST_LINKING})
    if(arg_DEPENDS)
        add_dependencies(${name} ${arg_DEPENDS})
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 300)
    endif()
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
        ENVIRONMENT "${BLOCKCERT_TEST_ENVIRONMENT}")
endfunction()

set(BLOCKCERT_TEST_ENVIRONMENT
    "BLOCKCERT_TEST_DATA=${CMAKE_SOURCE_DIR}/tests/data"
    "BLOCKCERT_BIN=${CMAKE_BINARY_DIR}/bin"
    "BLOCKCERT_SOURCE=${CMAKE_SOURCE_DIR}"
    "BLOCKCERT_DEMO_MODEL=${BLOCKCERT_DEPS}/demo/SmolLM2-135M-Instruct.Q4_1.gguf"
    "QT_QPA_PLATFORM=offscreen" "OMP_NUM_THREADS=2")
