# Interface target that every target of ours links: the language level and the warnings.
add_library(chat_warnings INTERFACE)
target_compile_features(chat_warnings INTERFACE c_std_17)
target_compile_definitions(chat_warnings INTERFACE _GNU_SOURCE)
target_compile_options(chat_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Wwrite-strings
    -Wconversion -Wno-sign-conversion -fno-common)
