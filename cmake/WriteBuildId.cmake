cmake_minimum_required(VERSION 3.25)
# Run at build time: writes OUTPUT (a .cpp with the commit of SOURCE) only when it changes.
execute_process(COMMAND git -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE id OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR id STREQUAL "")
    set(id "source")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT
"#include \"app/terminal/build_id.h\"\n\nconst char* const blockcert::terminal::buildId = \"@id@\";\n" @ONLY)
