# Writes OUTPUT, a C++ file that holds the bundled prompt sets NAMES of FOLDER as they are.
# Called at build time: cmake -DFOLDER=… -DNAMES=a,b -DOUTPUT=… -P embed_prompts.cmake
string(REPLACE "," ";" NAMES "${NAMES}")
set(text "#include \"engine/prompts/bundled.h\"\n\nnamespace blockcert::prompts {\n\n")
string(APPEND text "std::span<const BundledSet> bundledSets()\n{\n    static constexpr BundledSet sets[] = {\n")
foreach(name IN LISTS NAMES)
    file(READ "${FOLDER}/${name}.jsonl" content)
    string(APPEND text "        {\"${name}\", R\"jsonl(${content})jsonl\"},\n")
endforeach()
string(APPEND text "    };\n    return sets;\n}\n\n}\n")
file(WRITE "${OUTPUT}" "${text}")
