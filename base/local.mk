noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	base/attributes.h \
	base/buffer.c base/buffer.h \
	base/command.c base/command.h \
	base/completion.c base/completion.h \
	base/completion_bash.c \
	base/completion_offer.c base/completion_offer.h \
	base/completion_zsh.c \
	base/error.c base/error.h \
	base/json_token.c base/json_token.h \
	base/json_value.c base/json_value.h \
	base/json_write.c base/json_write.h \
	base/near_word.c base/near_word.h \
	base/option.c base/option.h \
	base/percent_code.c base/percent_code.h \
	base/slice.c base/slice.h \
	base/terminal_text.c base/terminal_text.h \
	base/timestamp.c base/timestamp.h \
	base/utf8.c base/utf8.h \
	base/write_all.c base/write_all.h
