//! The kernels of every level, held to the plain reference.
use barograph_stats::{Element, Elements, ElementsError, Level, Options, read, read_at, read_update_at, reference};
use barograph_vocab::Reading;
use half::{bf16, f16};
use proptest::prelude::*;

/// A sum of a block goes through 64 additions in f32, at most 5 more to bring lanes together and 3 roundings of a term,
/// each of relative error 2^-24 of the sum of magnitudes.
const SUM: f64 = 72.0 / (1_u64 << 24) as f64;

/// Squared deviations are a difference that leaves at least an eighth of the sum of squares; its two terms carry one and
/// two errors of `SUM`.
const SQUARED_DEVIATIONS: f64 = 24.0 * SUM;

/// f64 sums of at most a few thousand terms.
const F64: f64 = 1e-12;

/// How far the sums of one arithmetic may be off.
#[derive(Clone, Copy)]
struct Tolerance {
    sum: f64,
    m2: f64,
}

const IN_F32: Tolerance = Tolerance { sum: SUM, m2: SQUARED_DEVIATIONS };
const IN_F64: Tolerance = Tolerance { sum: F64, m2: 24.0 * F64 };

fn close(name: &str, got: f64, want: f64, slack: f64) -> Result<(), TestCaseError> {
    let same = got == want || (got - want).abs() <= slack;
    prop_assert!(same, "{name}: got {got:e}, want {want:e}, slack {slack:e}");
    Ok(())
}

fn agree(got: &Reading, want: &Reading, tolerance: Tolerance) -> Result<(), TestCaseError> {
    let counts = |r: &Reading| [r.count, r.nan, r.pos_inf, r.neg_inf, r.zeros, r.negatives, r.saturated];
    prop_assert_eq!(counts(got), counts(want));
    prop_assert_eq!((got.min, got.max, got.abs_max), (want.min, want.max, want.abs_max));
    prop_assert_eq!(got.histogram, want.histogram);
    // Sums of subnormal numbers are exact but for the last bit.
    let tiny = f64::MIN_POSITIVE;
    close("l1", got.l1, want.l1, tolerance.sum * want.l1 + tiny)?;
    close("l2", got.l2, want.l2, tolerance.sum * want.l2)?;
    let finite = want.finite().max(1) as f64;
    close("mean", got.mean, want.mean, tolerance.sum * (want.l1 / finite).min(want.abs_max) + tiny)?;
    // The reference rounds its mean, too; in f64.
    let rounding = F64 * want.l2 * want.l2;
    close("m2", got.m2, want.m2, tolerance.m2 * want.m2 + rounding.min(f64::MAX) + tiny)
}

fn options() -> impl Strategy<Value = Options> {
    let bound = prop_oneof![
        Just(None),
        Just(Some(4.0)),
        Just(Some(0.1)),
        Just(Some(0.0)),
        Just(Some(-1.0)),
        Just(Some(f64::INFINITY)),
        Just(Some(f64::NAN)),
        Just(Some(1e300)),
    ];
    (bound, any::<bool>()).prop_map(|(bound, histogram)| Options { bound, histogram })
}

/// A tensor is mostly of one kind, with a few strange elements.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let length = prop_oneof![0_usize..70, 200_usize..300, 2000_usize..2100, 4000_usize..4200, 8100_usize..8300];
    let spread = prop_oneof![Just(1.0), Just(1e-3), Just(1e-20), Just(1e-30), Just(1e20), Just(1e-42), Just(1e37)];
    let shift = prop_oneof![4 => Just(0.0), 1 => Just(1.0), 1 => Just(1000.0)];
    let strange = prop::collection::vec((any::<prop::sample::Index>(), strange()), 0..6);
    let zero_share = prop_oneof![Just(0.0), Just(0.5), Just(1.0)];
    (length, spread, shift, strange, any::<bool>(), any::<u64>(), zero_share).prop_map(
        |(length, spread, shift, strange, odd, seed, zero_share)| {
            let mut state = seed | 1;
            let mut uniform = move || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64
            };
            let mut values: Vec<f64> = (0..length)
                .map(|_| {
                    let octaves = if odd { (uniform() * 30.0 - 15.0).exp2() } else { 1.0 };
                    let x = (uniform() * 2.0 - 1.0 + shift) * spread * octaves;
                    if uniform() < zero_share { 0.0 } else { x }
                })
                .collect();
            if !values.is_empty() {
                for (index, value) in strange {
                    *index.get_mut(&mut values) = value;
                }
            }
            values
        },
    )
}

fn strange() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        f64::from(f32::MAX),
        f64::from(f32::MIN),
        f64::from(f32::MIN_POSITIVE),
        1e-45,
        -1e-45,
        4.0,
        -4.0,
        65504.0,
        2_097_152.0,
        1e300,
        -1e300,
        f64::MAX,
        1e-300,
        5e-324,
    ])
}

fn check<T: Element + Into<f64>>(elements: &[T], options: Options, tolerance: Tolerance) -> Result<(), TestCaseError> {
    let exact: Vec<f64> = elements.iter().map(|x| (*x).into()).collect();
    let want = reference::read(&exact, options);
    for level in Level::ALL {
        let got = read_at(level, Elements::contiguous(elements), options);
        agree(&got, &want, tolerance)?;
        prop_assert_eq!(got, read_at(level, Elements::contiguous(elements), options), "not deterministic");
    }
    Ok(())
}

proptest! {
    #[test]
    fn f32_reads_as_the_reference(values in values(), options in options()) {
        let elements: Vec<f32> = values.iter().map(|x| *x as f32).collect();
        check(&elements, options, IN_F32)?;
    }

    #[test]
    fn f64_reads_as_the_reference(values in values(), options in options()) {
        check(&values, options, IN_F64)?;
    }

    #[test]
    fn f16_reads_as_the_reference(values in values(), options in options()) {
        let elements: Vec<f16> = values.iter().map(|x| f16::from_f64(*x)).collect();
        check(&elements, options, IN_F32)?;
    }

    #[test]
    fn bf16_reads_as_the_reference(values in values(), options in options()) {
        let elements: Vec<bf16> = values.iter().map(|x| bf16::from_f64(*x)).collect();
        check(&elements, options, IN_F32)?;
    }

    #[test]
    fn any_bits_of_f32_read_as_the_reference(bits in prop::collection::vec(any::<u32>(), 0..2500), options in options()) {
        let elements: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        check(&elements, options, IN_F32)?;
    }

    #[test]
    fn any_bits_of_f64_read_as_the_reference(bits in prop::collection::vec(any::<u64>(), 0..300), options in options()) {
        let elements: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
        check(&elements, options, IN_F64)?;
    }

    #[test]
    fn updates_read_as_the_difference(old in values(), noise in values(), options in options()) {
        let old: Vec<f32> = old.iter().map(|x| *x as f32).collect();
        let new: Vec<f32> = old.iter().zip(noise.iter().cycle().chain(std::iter::repeat(&1.0)))
            .map(|(old, noise)| old + *noise as f32).collect();
        let difference: Vec<f64> = new.iter().zip(&old).map(|(new, old)| f64::from(new - old)).collect();
        let want = reference::read(&difference, options);
        for level in Level::ALL {
            let got = read_update_at(level, Elements::contiguous(&new), Elements::contiguous(&old), options);
            agree(&got.unwrap(), &want, IN_F32)?;
        }
    }

    #[test]
    fn strided_views_read_as_their_elements(
        shape in prop::collection::vec(1_usize..9, 0..5),
        strides in prop::collection::vec(-20_isize..20, 5),
        seed in any::<u32>(),
        options in options(),
    ) {
        let strides = &strides[..shape.len()];
        let reach = |sign: isize| -> usize {
            shape.iter().zip(strides).map(|(size, stride)| (stride * sign).max(0) as usize * (size - 1)).sum()
        };
        let (below, above) = (reach(-1), reach(1));
        let buffer: Vec<f64> = (0..=below + above).map(|at| f64::from((at as u32).wrapping_mul(seed) >> 8) - 8e6).collect();
        let narrow: Vec<f32> = buffer.iter().map(|x| *x as f32).collect();
        let listed = list(&narrow, &shape, strides, below);
        let view = Elements::strided(&narrow, &shape, strides, below).unwrap();
        prop_assert_eq!(view.len(), listed.len());
        for (at, x) in listed.iter().enumerate() {
            prop_assert_eq!(view.get(at), *x);
        }
        let want = reference::read(&listed, options);
        let dense: Vec<f32> = listed.iter().rev().map(|x| *x as f32).collect();
        let update: Vec<f64> = listed.iter().zip(&dense).map(|(new, old)| f64::from(*new as f32 - old)).collect();
        for level in Level::ALL {
            agree(&read_at(level, view, options), &want, IN_F32)?;
            let wide = Elements::strided(&buffer, &shape, strides, below).unwrap();
            agree(&read_at(level, wide, options), &reference::read(&list(&buffer, &shape, strides, below), options), IN_F64)?;
            let got = read_update_at(level, view, Elements::contiguous(&dense), options).unwrap();
            agree(&got, &reference::read(&update, options), IN_F32)?;
            let same = read_update_at(level, view, view, options).unwrap();
            prop_assert_eq!(same.zeros, view.len() as u64);
        }
        if below + above > 0 {
            let short = &narrow[..narrow.len() - 1];
            let refused = matches!(Elements::strided(short, &shape, strides, below), Err(ElementsError::OutOfBounds { .. }));
            prop_assert!(refused);
        }
    }
}

/// The elements of a view in logical order, by definition.
fn list<T: Copy + Into<f64>>(buffer: &[T], shape: &[usize], strides: &[isize], offset: usize) -> Vec<f64> {
    let mut at = vec![offset.cast_signed()];
    for (size, stride) in shape.iter().zip(strides) {
        at = at.iter().flat_map(|base| (0..size.cast_signed()).map(move |step| base + step * stride)).collect();
    }
    at.into_iter().map(|at| buffer[at as usize].into()).collect()
}

#[test]
fn norms_neither_overflow_nor_vanish() {
    for level in Level::ALL {
        let l2 = |elements: &[f32]| read_at(level, Elements::contiguous(elements), Options::default()).l2;
        assert!((l2(&[1e20; 4]) / 2e20 - 1.0).abs() < SUM);
        assert!((l2(&[1e-30; 4]) / 2e-30 - 1.0).abs() < SUM);
        assert_eq!(l2(&[f32::from_bits(1); 4]), 2.0 * f64::from(f32::from_bits(1)));
        let wide = read_at(level, Elements::contiguous(&[1e200_f64; 4]), Options::default());
        assert!((wide.l2 / 2e200 - 1.0).abs() < F64);
        let tiny = read_at(level, Elements::contiguous(&[1e-200_f64; 4]), Options::default());
        assert!((tiny.l2 / 2e-200 - 1.0).abs() < F64);
    }
}

#[test]
fn a_large_mean_does_not_drown_the_spread() {
    let elements: Vec<f32> = (0..5000).map(|at| 4096.0 + (at % 5) as f32 * 0.001_953_125).collect();
    for level in Level::ALL {
        let reading = read_at(level, Elements::contiguous(&elements), Options::default());
        assert!((reading.std() / (0.001_953_125 * 2_f64.sqrt()) - 1.0).abs() < 1e-9, "{level:?}: {}", reading.std());
    }
}

#[test]
fn a_transposed_matrix_reads_bit_for_bit_as_the_matrix() {
    let matrix: Vec<f32> = (0..3000).map(|at| (at as f32).sin()).collect();
    let transposed = Elements::strided(&matrix, &[60, 50], &[1, 60], 0).unwrap();
    assert_eq!(read(transposed, Options::default()), read(Elements::contiguous(&matrix), Options::default()));
}

#[test]
fn nothing_reads_as_the_empty_reading() {
    let options = Options { bound: Some(1.0), histogram: true };
    assert_eq!(read(Elements::contiguous::<f32>(&[]), options), Reading::EMPTY);
    assert_eq!(read(Elements::strided(&[1.0_f64], &[3, 0], &[9, 9], 7).unwrap(), options), Reading::EMPTY);
}

#[test]
fn views_that_do_not_fit_are_refused() {
    let buffer = [0.0_f32; 6];
    let view = Elements::contiguous(&buffer);
    let error = Elements::strided(&buffer, &[2, 3], &[3, 2], 0).unwrap_err();
    assert_eq!(error.to_string(), "the view reaches elements 0..=7 of a buffer of 6; check shape, strides and offset");
    assert!(matches!(Elements::strided(&buffer, &[2], &[-1], 0), Err(ElementsError::OutOfBounds { first: -1, .. })));
    assert!(matches!(Elements::strided(&buffer, &[2], &[], 0), Err(ElementsError::RankMismatch { .. })));
    let zigzag: Vec<isize> = (0..13).map(|dimension| dimension % 2).collect();
    let deep = Elements::strided(&[0.0_f32; 7], &[2; 13], &zigzag, 0);
    assert!(matches!(deep, Err(ElementsError::TooManyDimensions { .. })));
    let merged = Elements::strided(&buffer, &[2; 13], &[0; 13], 0).unwrap();
    assert_eq!(read(merged, Options::default()).zeros, 1 << 13);
    let update = |old: Elements<'_>| read_update_at(Level::best(), view, old, Options::default());
    assert!(matches!(update(Elements::contiguous(&[0.0_f32; 5])), Err(ElementsError::WrongLength { .. })));
    assert!(matches!(update(Elements::contiguous(&[0.0_f64; 6])), Err(ElementsError::DtypeMismatch { .. })));
}
