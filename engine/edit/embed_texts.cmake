# Writes OUTPUT, a C++ file that holds the JSON files NAMES of FOLDER as they are.
# Called at build time: cmake -DFOLDER=… -DNAMES=a/b,c/d -DOUTPUT=… -P embed_texts.cmake
string(REPLACE "," ";" NAMES "${NAMES}")
set(text "#include \"engine/edit/bundled_texts.h\"\n\nnamespace blockcert::edit {\n\n")
string(APPEND text "std::string_view bundledText(std::string_view name)\n{\n")
foreach(name IN LISTS NAMES)
    file(READ "${FOLDER}/${name}.json" content)
    string(APPEND text "    if (name == \"${name}\")\n        return R\"json(${content})json\";\n")
endforeach()
string(APPEND text "    return {};\n}\n\n}\n")
file(WRITE "${OUTPUT}" "${text}")
