//! Unit readings, held to the plain reference.
use barograph_stats::{
    Element, Elements, ElementsError, Level, UnitScratch, read_units, read_units_at, read_weight_units_at, reference,
};
use half::{bf16, f16};
use proptest::prelude::*;

/// Few distinct values, so that dead, constant and duplicate units are common.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => Just(0.0),
        2 => Just(-0.0),
        6 => Just(1.0),
        2 => Just(-1.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::from(f32::MIN_POSITIVE)),
        1 => -4.0..4.0,
    ]
}

/// Dimensions: small ones, ones of several registers with ragged ends, and one that a block of rows and a segment end in.
fn dimensions() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![
        4 => (1_usize..6, 1_usize..12, 1_usize..5),
        2 => (1_usize..30, 1_usize..50, Just(1_usize)),
        2 => (1_usize..4, 1_usize..4, 1_usize..70),
        1 => (1_usize..3, 1_usize..3, 1000_usize..2100),
    ]
}

/// Dimensions and values; half of the time every unit is one of three.
fn activation() -> impl Strategy<Value = (usize, usize, usize, Vec<f64>)> {
    (dimensions(), any::<bool>()).prop_flat_map(|((batch, units, inner), alike)| {
        let per_unit =
            prop::collection::vec(prop::collection::vec(value(), batch * inner), if alike { 3 } else { units });
        (per_unit, prop::collection::vec(0_usize..3, units)).prop_map(move |(sources, chosen)| {
            let mut values = Vec::new();
            for example in 0..batch {
                for unit in 0..units {
                    let source = &sources[if alike { chosen[unit] } else { unit }];
                    values.extend_from_slice(&source[example * inner..(example + 1) * inner]);
                }
            }
            (batch, units, inner, values)
        })
    })
}

fn check<T: Element + Into<f64>>(
    (batch, units, inner): (usize, usize, usize),
    elements: &[T],
    scratch: &mut UnitScratch,
) -> Result<(), TestCaseError> {
    let exact: Vec<f64> = elements.iter().map(|x| (*x).into()).collect();
    let view = Elements::contiguous(elements);
    // The same elements with every other one left out of a buffer twice as long.
    let spread: Vec<T> = elements.iter().flat_map(|x| [*x, *x]).collect();
    let strided = Elements::strided(&spread, &[elements.len()], &[2], 1).unwrap();
    let (rows, columns) = (batch * units, inner);
    let expected = reference::read_units(&exact, batch, units, inner);
    let [of_rows, of_columns] =
        [false, true].map(|transposed| reference::read_weight_units(&exact, rows, columns, transposed));
    for level in Level::ALL {
        for view in [view, strided] {
            prop_assert_eq!(read_units_at(level, view, batch, units, inner, scratch).unwrap(), expected);
            prop_assert_eq!(read_weight_units_at(level, view, rows, columns, false, scratch).unwrap(), of_rows);
            prop_assert_eq!(read_weight_units_at(level, view, rows, columns, true, scratch).unwrap(), of_columns);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn units_read_as_the_reference((batch, units, inner, values) in activation()) {
        let dimensions = (batch, units, inner);
        let mut scratch = UnitScratch::new();
        check(dimensions, &values, &mut scratch)?;
        check(dimensions, &values.iter().map(|x| *x as f32).collect::<Vec<_>>(), &mut scratch)?;
        check(dimensions, &values.iter().map(|x| f16::from_f64(*x)).collect::<Vec<_>>(), &mut scratch)?;
        check(dimensions, &values.iter().map(|x| bf16::from_f64(*x)).collect::<Vec<_>>(), &mut scratch)?;
    }
}

#[test]
fn many_units_of_few_kinds_are_told_apart() {
    let (batch, units) = (64, 1000);
    let activation: Vec<f32> =
        (0..batch * units).map(|at| ((at % units % 300) as f32 + 1.0) * ((at / units) as f32 + 1.0).sin()).collect();
    let counts = read_units(Elements::contiguous(&activation), batch, units, 1, &mut UnitScratch::new()).unwrap();
    assert_eq!((counts.duplicates, counts.dead, counts.constant), (700, 0, 0));
    assert_eq!(counts.worst, [300, 301, 302, 303]);
}

#[test]
fn one_example_says_nothing_about_constancy() {
    let counts = read_units(Elements::contiguous(&[1.0_f32, 0.0]), 1, 2, 1, &mut UnitScratch::new()).unwrap();
    assert_eq!((counts.constant, counts.dead), (1, 1));
}

#[test]
fn wrong_dimensions_are_refused() {
    let refused = read_units(Elements::contiguous(&[1.0_f32; 5]), 2, 3, 1, &mut UnitScratch::new());
    assert_eq!(refused, Err(ElementsError::WrongLength { elements: 5, expected: 6 }));
    let empty = read_units(Elements::contiguous::<f32>(&[]), 0, 3, 1, &mut UnitScratch::new()).unwrap();
    assert_eq!((empty.units, empty.dead), (3, 0));
}
