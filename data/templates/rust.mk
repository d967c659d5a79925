# SPDX-License-Identifier: MIT
# make            builds @NAME@.so
# make check      tests the promises of a plugin, then restores a small picture with it
# make install    puts it where Lacuna finds it by name

NAME = @NAME@
FAMILY = @FAMILY@
CFLAGS = -O2 -g -Wall -Wextra
RUSTC = rustc
RUSTFLAGS = -O -g -C panic=abort -C relocation-model=pic

# Export only the plugin's one function.  If Rust's library were exported, too, two such plugins would share it.
$(NAME).so: $(NAME).c work.a
	$(CC) -std=c11 $(CFLAGS) -fPIC -ffp-contract=off -shared $(FLAGS) $(NAME).c work.a -o $@ \
		-Wl,--exclude-libs,ALL $(LDFLAGS) $(LIBS) -lm -lpthread -ldl

work.a: work.rs
	$(RUSTC) $(RUSTFLAGS) --crate-name work $< -o $@
