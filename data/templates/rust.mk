# SPDX-License-Identifier: MIT
# make            builds @NAME@.so
# make check      tries what a plugin promises, then restores a small picture with it
# make install    puts it where lacuna finds it by name

NAME = @NAME@
FAMILY = @FAMILY@
CFLAGS = -O2 -g -Wall -Wextra
RUSTC = rustc
RUSTFLAGS = -O -g -C panic=abort -C relocation-model=pic

# The export of the plugin's one function, and none of Rust's library, keeps two such plugins apart.
$(NAME).so: $(NAME).c work.a
	$(CC) -std=c11 $(CFLAGS) -fPIC -ffp-contract=off -shared $(FLAGS) $(NAME).c work.a -o $@ \
		-Wl,--exclude-libs,ALL $(LDFLAGS) $(LIBS) -lm -lpthread -ldl

work.a: work.rs
	$(RUSTC) $(RUSTFLAGS) --crate-name work $< -o $@
