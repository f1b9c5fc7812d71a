//! Safetensors as a data file.
use super::*;
use ::safetensors::Dtype;
use ::safetensors::tensor::{TensorView, serialize};

/// Four rows: `x` `[4, 2]`, `half` and `brain` `[4]`, classes `y`, and a complex `c` that is not read.
pub(super) fn file() -> Vec<u8> {
    let singles: Vec<u8> =
        [0.5_f32, 1.0, f32::NAN, -2.0, 4.0, 8.0, 16.0, 32.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let halves: Vec<u8> =
        [0.5_f32, -1.0, 2.0, 3.0].iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect();
    let brains: Vec<u8> =
        [0.5_f32, -1.0, 2.0, 3.0].iter().flat_map(|&x| half::bf16::from_f32(x).to_le_bytes()).collect();
    let classes: Vec<u8> = [0_i64, 2, 1, 1].iter().flat_map(|y| y.to_le_bytes()).collect();
    let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes).expect("it fits");
    let complex = [0; 32];
    serialize(
        [
            ("x", view(Dtype::F32, &[4, 2], &singles)),
            ("half", view(Dtype::F16, &[4], &halves)),
            ("brain", view(Dtype::BF16, &[4, 1, 1], &brains)),
            ("y", view(Dtype::I64, &[4], &classes)),
            ("c", view(Dtype::C64, &[4], &complex)),
        ],
        None,
    )
    .expect("it can be written")
}

#[test]
fn tensors_are_read_by_name() {
    let folder = Folder::with("a.safetensors", file());
    let loaded = folder.read(&recipe(&["x", "half", "brain"], &[], LossKind::CrossEntropy, 3)).expect("valid");
    assert_eq!(loaded.dataset.feature_names, ["x0", "x1", "half", "brain"]);
    assert_eq!(loaded.dataset.row(0), [0.5, 1.0, 0.5, 0.5]);
    assert_eq!(loaded.dataset.row(3), [16.0, 32.0, 3.0, 3.0]);
    assert_eq!(loaded.dataset.targets, Targets::Classes(vec![0, 2, 1, 1]));
    insta::assert_snapshot!(folder.notes(&loaded), @r#"
    a.safetensors: array "brain" of shape [4, 1, 1] is read as 1 column
    a.safetensors: row 1: column "x0" is missing; read as NaN
    "#);
}

#[test]
fn what_is_wrong_with_safetensors_is_said() {
    let good = file();
    let said = |content: &[u8], inputs: &[&str], target: &[&str]| {
        let folder = Folder::with("a.safetensors", content);
        folder.read(&recipe(inputs, target, LossKind::CrossEntropy, 3)).expect_err("broken")
    };
    let mut long = good.clone();
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let said = [
        said(b"", &[], &[]),
        said(b"PK\x03\x04 a zip archive", &[], &[]),
        said(&long, &[], &[]),
        said(&good[..good.len() / 2], &[], &[]),
        said(&good[..good.len() - 1], &[], &["y"]),
        said(&good, &["X"], &[]),
        said(&good, &["c"], &[]),
    ]
    .join("\n");
    insta::assert_snapshot!(said);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_safetensors_never_panic(at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let folder = Folder::with("a.safetensors", damaged(&file(), at, byte, cut));
        let _ = folder.read(&recipe(&["x", "half"], &["y"], LossKind::CrossEntropy, 3));
    }
}
