# cmake -DOUT=FILE.c -DFILES=a;b -P embed.cmake: files as C arrays page_<name>.
set(text "#include \"daemon/http/page_files.h\"\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER page_${name} id)
  file(READ ${file} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR n "${digits} / 2")
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND text "const char ${id}[] = {${bytes}0};\n"
                     "const size_t ${id}_n = ${n};\n")
endforeach()
file(WRITE ${OUT} "${text}")
