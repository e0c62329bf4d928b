# Third parties as imported SYSTEM targets named PkgConfig::<NAME>; libraries without a .pc file get one here.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(entry
        JANSSON:jansson MICROHTTPD:libmicrohttpd CURL:libcurl OPENSSL:libcrypto SSL:libssl PQ:libpq
        MONGOC:libmongoc-1.0 HIREDIS:hiredis RDKAFKA:rdkafka WEBSOCKETS:libwebsockets UV:libuv CMOCKA:cmocka
        ARGON2:libargon2 UNISTRING:)
    string(REPLACE ":" ";" pair ${entry})
    list(GET pair 0 name)
    list(LENGTH pair parts)
    list(GET pair 1 module)
    if(module)
        pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
    endif()
endforeach()
find_library(UNISTRING_LIBRARY unistring REQUIRED)
add_library(chat_unistring INTERFACE)
target_link_libraries(chat_unistring INTERFACE ${UNISTRING_LIBRARY})
