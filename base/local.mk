# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libbase.a
base_chain = libbase.a
libbase_a_SOURCES = \
	base/account.c base/account.h \
	base/arena.c base/arena.h \
	base/ascii_run.h \
	base/attributes.h \
	base/buffer.c base/buffer.h \
	base/error.c base/error.h \
	base/hash_index.c base/hash_index.h \
	base/hidden_character.c base/hidden_character.h \
	base/hex.c base/hex.h \
	base/html_text.c base/html_text.h \
	base/json_token.c base/json_token.h \
	base/json_tree.c base/json_tree.h \
	base/json_write.c base/json_write.h \
	base/near_word.c base/near_word.h \
	base/path_beneath.c base/path_beneath.h \
	base/path_trust.c base/path_trust.h \
	base/path_walk.c base/path_walk.h \
	base/percent_code.c base/percent_code.h \
	base/slice.c base/slice.h \
	base/table.c base/table.h \
	base/terminal_text.c base/terminal_text.h \
	base/text_map.c base/text_map.h \
	base/timestamp.c base/timestamp.h \
	base/utf8.c base/utf8.h \
	base/write_all.c base/write_all.h
