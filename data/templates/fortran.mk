# SPDX-License-Identifier: MIT
# make            builds @NAME@.so
# make check      tests the promises of a plugin, then restores a small picture with it
# make install    puts it where Lacuna finds it by name

NAME = @NAME@
FAMILY = @FAMILY@
CFLAGS = -O2 -g -Wall -Wextra
FC = gfortran
FFLAGS = -O2 -g -Wall -Wextra

# Never -ffast-math or -Ofast: it changes the arithmetic of the whole process, and such a plugin is refused.
$(NAME).so: $(NAME).o work.o
	$(FC) -shared $^ -o $@ $(LDFLAGS) $(LIBS)

$(NAME).o: $(NAME).c
	$(CC) -std=c11 $(CFLAGS) -fPIC -ffp-contract=off $(FLAGS) -c $< -o $@

work.o: work.f90
	$(FC) $(FFLAGS) -fPIC -ffp-contract=off -c $< -o $@
