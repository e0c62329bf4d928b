# chat_add_test(<component> <name> KIND unit|contract|integration [OWN_TOPICS] SOURCES ... [USES ...])
# OWN_TOPICS: an integration test that uses none of the platform's topics may run beside others.
# One cmocka program; ctest labels: the kind and the component. Names read as sentences in its output.
function(chat_add_test component name)
    cmake_parse_arguments(PARSE_ARGV 2 arg "OWN_TOPICS" "KIND;TIMEOUT" "SOURCES;USES")
    set(target test-${component}-${name})
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE ${arg_USES} common::testing PkgConfig::CMOCKA chat_warnings chat_sanitizers)
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_test(NAME ${component}.${name} COMMAND ${target})
    set_tests_properties(${component}.${name} PROPERTIES LABELS "${arg_KIND};${component}" TIMEOUT ${arg_TIMEOUT}
        ENVIRONMENT "CHAT_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
    if(arg_KIND STREQUAL "integration" AND NOT component STREQUAL "common" AND NOT arg_OWN_TOPICS)
        # They use the platform's own topics: one service's test must not answer another's records.
        set_tests_properties(${component}.${name} PROPERTIES RESOURCE_LOCK platform-topics)
    endif()
endfunction()
