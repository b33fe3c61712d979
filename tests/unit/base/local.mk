base_tests_SOURCES = \
	tests/unit/base/buffer_test.c \
	tests/unit/base/command_test.c \
	tests/unit/base/error_test.c \
	tests/unit/base/json_token_test.c \
	tests/unit/base/json_value_test.c \
	tests/unit/base/json_write_test.c \
	tests/unit/base/near_word_test.c \
	tests/unit/base/option_test.c \
	tests/unit/base/percent_code_test.c \
	tests/unit/base/slice_test.c \
	tests/unit/base/terminal_text_test.c \
	tests/unit/base/timestamp_test.c \
	tests/unit/base/write_all_test.c
base_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
base_tests_LDADD = libbase.a $(CRITERION_LIBS)
