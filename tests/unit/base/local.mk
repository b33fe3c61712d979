# SPDX-License-Identifier: Apache-2.0
TESTS += base_tests
base_tests_SOURCES = \
	tests/unit/base/account_test.c \
	tests/unit/base/buffer_test.c \
	tests/unit/base/error_test.c \
	tests/unit/base/hash_index_test.c \
	tests/unit/base/hex_test.c \
	tests/unit/base/html_text_test.c \
	tests/unit/base/json_token_test.c \
	tests/unit/base/json_tree_test.c \
	tests/unit/base/json_write_test.c \
	tests/unit/base/near_word_test.c \
	tests/unit/base/percent_code_test.c \
	tests/unit/base/slice_test.c \
	tests/unit/base/table_test.c \
	tests/unit/base/terminal_text_test.c \
	tests/unit/base/text_map_test.c \
	tests/unit/base/timestamp_test.c \
	tests/unit/base/utf8_test.c \
	tests/unit/base/write_all_test.c
base_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
base_tests_LDADD = $(base_cli_chain) $(CRITERION_LIBS)
