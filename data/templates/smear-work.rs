// SPDX-License-Identifier: MIT
//! The work of operator "smear": each pixel of y is the mean of `length` neighbours of x in its row; the last pixel of a row
//! is repeated.  A panic must not reach the host: the Makefile makes it abort, so that `lacuna check` notices it.
#![crate_type = "staticlib"]

use std::slice::{from_raw_parts, from_raw_parts_mut};

/// The position in the row of the k-th neighbour of pixel i.
fn neighbour(i: usize, k: usize, length: usize, width: usize) -> usize {
    (i + k).saturating_sub(length / 2).min(width - 1)
}

/// y = A x, row by row.
fn apply(width: usize, length: usize, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        for (i, out) in y.iter_mut().enumerate() {
            let sum: f64 = (0..length).map(|k| f64::from(x[neighbour(i, k, length, width)])).sum();
            *out = (sum / length as f64) as f32;
        }
    }
}

/// x = A' y, the transpose: where apply() reads x[i] for y[j], this adds y[j] to x[i].
fn adjoint(width: usize, length: usize, y: &[f32], x: &mut [f32]) {
    x.fill(0.0);
    for (y, x) in y.chunks_exact(width).zip(x.chunks_exact_mut(width)) {
        for (i, value) in y.iter().enumerate() {
            for k in 0..length {
                x[neighbour(i, k, length, width)] += value / length as f32;
            }
        }
    }
}

/// # Safety
/// The plugin's C side passes arrays of width * height * channels * frames values that do not overlap.
#[no_mangle]
pub unsafe extern "C" fn work_apply(extent: *const i64, length: i64, x: *const f32, y: *mut f32) {
    let extent = from_raw_parts(extent, 4);
    let count = extent.iter().product::<i64>() as usize;
    apply(extent[0] as usize, length as usize, from_raw_parts(x, count), from_raw_parts_mut(y, count));
}

/// # Safety
/// As for work_apply().
#[no_mangle]
pub unsafe extern "C" fn work_adjoint(extent: *const i64, length: i64, y: *const f32, x: *mut f32) {
    let extent = from_raw_parts(extent, 4);
    let count = extent.iter().product::<i64>() as usize;
    adjoint(extent[0] as usize, length as usize, from_raw_parts(y, count), from_raw_parts_mut(x, count));
}
