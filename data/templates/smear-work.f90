! SPDX-License-Identifier: MIT
! The work of operator "smear": each pixel of y is the mean of `length' neighbours of x in its row; the last pixel of a row
! is repeated.  Fortran's order of indices is that of the host: x(column, row), the first index fastest.
module work
  use, intrinsic :: iso_c_binding, only: c_int64_t, c_float, c_double
  implicit none
contains

  ! Returns the position in the row of the k-th neighbour of pixel i; both count from 1.
  pure function neighbour(i, k, length, width) result(at)
    integer(c_int64_t), intent(in) :: i, k, length, width
    integer(c_int64_t) :: at
    at = min(max(i + k - 1 - length / 2, 1_c_int64_t), width)
  end function neighbour

  ! y = A x
  subroutine work_apply(extent, length, x, y) bind(c)
    integer(c_int64_t), intent(in) :: extent(4)
    integer(c_int64_t), value :: length
    real(c_float), intent(in) :: x(extent(1), product(extent(2:4)))
    real(c_float), intent(out) :: y(extent(1), product(extent(2:4)))
    real(c_double) :: total
    integer(c_int64_t) :: i, j, k
    do j = 1, size(x, 2, c_int64_t)
      do i = 1, extent(1)
        total = 0
        do k = 1, length
          total = total + x(neighbour(i, k, length, extent(1)), j)
        end do
        y(i, j) = real(total / length, c_float)
      end do
    end do
  end subroutine work_apply

  ! x = A' y, the transpose: where work_apply reads x(i) for y(j), this adds y(j) to x(i).
  subroutine work_adjoint(extent, length, y, x) bind(c)
    integer(c_int64_t), intent(in) :: extent(4)
    integer(c_int64_t), value :: length
    real(c_float), intent(in) :: y(extent(1), product(extent(2:4)))
    real(c_float), intent(out) :: x(extent(1), product(extent(2:4)))
    integer(c_int64_t) :: i, j, k, at
    x = 0
    do j = 1, size(x, 2, c_int64_t)
      do i = 1, extent(1)
        do k = 1, length
          at = neighbour(i, k, length, extent(1))
          x(at, j) = x(at, j) + y(i, j) / real(length, c_float)
        end do
      end do
    end do
  end subroutine work_adjoint
end module work
