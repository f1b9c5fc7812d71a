//! Checksums, held to the plain reference and to what they are for.
use barograph_stats::{Checksum, Element, Elements, reference};
use half::{bf16, f16};
use proptest::collection::vec;
use proptest::prelude::*;

fn of<T: Element>(tensors: &[Vec<T>]) -> u64 {
    let mut checksum = Checksum::default();
    for tensor in tensors {
        checksum.push(Elements::contiguous(tensor));
    }
    checksum.finish()
}

fn bytes<T>(tensors: &[Vec<T>], of: impl Fn(&T) -> Vec<u8>) -> Vec<Vec<u8>> {
    tensors.iter().map(|tensor| tensor.iter().flat_map(&of).collect()).collect()
}

fn tensors<T: std::fmt::Debug>(element: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<Vec<T>>> {
    vec(vec(element, 0..150), 0..4)
}

proptest! {
    #[test]
    fn it_is_that_of_the_plain_loop(
        single in tensors(any::<u32>().prop_map(f32::from_bits)),
        double in tensors(any::<u64>().prop_map(f64::from_bits)),
        halves in tensors(any::<u16>()),
    ) {
        let ieee: Vec<Vec<f16>> = halves.iter().map(|t| t.iter().map(|&x| f16::from_bits(x)).collect()).collect();
        let brain: Vec<Vec<bf16>> = halves.iter().map(|t| t.iter().map(|&x| bf16::from_bits(x)).collect()).collect();
        prop_assert_eq!(of(&single), reference::checksum(&bytes(&single, |x| x.to_bits().to_le_bytes().to_vec())));
        prop_assert_eq!(of(&double), reference::checksum(&bytes(&double, |x| x.to_bits().to_le_bytes().to_vec())));
        let plain = reference::checksum(&bytes(&halves, |x| x.to_le_bytes().to_vec()));
        prop_assert_eq!((of(&ieee), of(&brain)), (plain, plain));
        prop_assert!(plain < 1 << 53);
    }

    #[test]
    fn strides_do_not_matter(values in vec(any::<f32>(), 35 * 40)) {
        let transposed: Vec<f32> = (0..35 * 40).map(|at| values[at % 35 * 40 + at / 35]).collect();
        let mut checksum = Checksum::default();
        checksum.push(Elements::strided(&values, &[40, 35], &[1, 40], 0).unwrap());
        prop_assert_eq!(checksum.finish(), of(&[transposed]));
    }

    #[test]
    fn another_bit_is_another_checksum(values in vec(any::<u32>(), 1..300), at in any::<prop::sample::Index>(), bit in 0..32) {
        let mut other = values.clone();
        other[at.index(values.len())] ^= 1_u32 << bit;
        let of = |values: Vec<u32>| of(&[values.into_iter().map(f32::from_bits).collect()]);
        prop_assert_ne!(of(values), of(other));
    }

    #[test]
    fn two_flipped_signs_do_not_make_up_for_each_other(values in vec(1.0_f32..2.0, 2..300), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let (a, b) = (a.index(values.len()), b.index(values.len()));
        prop_assume!(a != b);
        let mut other = values.clone();
        other[a] = -other[a];
        other[b] = -other[b];
        prop_assert_ne!(of(&[values]), of(&[other]));
    }

    #[test]
    fn another_order_is_another_checksum(values in vec(any::<u32>(), 2..300), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let (a, b) = (a.index(values.len()), b.index(values.len()));
        prop_assume!(values[a] != values[b]);
        let mut other = values.clone();
        other.swap(a, b);
        let of = |values: Vec<u32>| of(&[values.into_iter().map(f32::from_bits).collect()]);
        prop_assert_ne!(of(values), of(other));
    }
}

#[test]
fn where_one_tensor_ends_and_the_next_begins_matters() {
    let whole = of(&[vec![1.0_f32, 2.0, 3.0]]);
    assert_ne!(whole, of(&[vec![1.0_f32], vec![2.0, 3.0]]));
    assert_ne!(whole, of(&[vec![1.0_f32, 2.0, 3.0], vec![]]));
    assert_ne!(of(&[vec![0.0_f32; 3]]), of(&[vec![0.0_f32; 4]]));
}
