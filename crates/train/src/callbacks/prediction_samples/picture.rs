//! Rows as pictures.
use image::{ImageFormat, RgbImage};
use std::io::Cursor;

/// Pictures with more pixels are not made (our choice: the report holds them all).
const MOST_PIXELS: usize = 1 << 18;

/// What stands for a pixel that is not finite: magenta, as in the heat maps of the report.
const NOT_FINITE: [u8; 3] = [255, 0, 255];

/// The smallest and the largest finite value.
pub(super) fn range(values: &[f32]) -> [f32; 2] {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    [finite().fold(f32::INFINITY, f32::min), finite().fold(f32::NEG_INFINITY, f32::max)]
}

/// A PNG file of an image of channels, height and width, its values given channel by channel: three channels are red, green and blue; of
/// any other number the first is shown, in grey. The smallest value of `range` is black, the largest white.
pub(super) fn png(values: &[f32], [channels, height, width]: [usize; 3], [low, high]: [f32; 2]) -> Option<Vec<u8>> {
    let pixels = height * width;
    if pixels == 0 || pixels > MOST_PIXELS || values.len() != channels * pixels {
        return None;
    }
    let span = if high > low { high - low } else { 1.0 };
    let byte = |value: f32| ((value - low) / span * 255.0).round() as u8;
    let mut rgb = Vec::with_capacity(3 * pixels);
    for pixel in 0..pixels {
        let channel = |number: usize| values[if channels == 3 { number } else { 0 } * pixels + pixel];
        let color = [channel(0), channel(1), channel(2)];
        let is_finite = color.iter().all(|value| value.is_finite());
        rgb.extend(if is_finite { color.map(byte) } else { NOT_FINITE });
    }
    let image = RgbImage::from_raw(u32::try_from(width).ok()?, u32::try_from(height).ok()?, rgb)?;
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{png, range};

    fn pixels(bytes: &[u8]) -> Vec<[u8; 3]> {
        image::load_from_memory(bytes).unwrap().to_rgb8().pixels().map(|pixel| pixel.0).collect()
    }

    #[test]
    fn grey_goes_from_the_smallest_to_the_largest_value_and_nan_is_magenta() {
        let values = [0.0, 8.0, f32::NAN, 16.0];
        let bytes = png(&values, [1, 2, 2], range(&values)).unwrap();
        assert_eq!(pixels(&bytes), [[0; 3], [128; 3], [255, 0, 255], [255; 3]]);
        let flat = [3.0; 4];
        assert_eq!(pixels(&png(&flat, [1, 2, 2], range(&flat)).unwrap()), [[0; 3]; 4]);
        let bad = [f32::NAN; 4];
        assert_eq!(pixels(&png(&bad, [1, 2, 2], range(&bad)).unwrap()), [[255, 0, 255]; 4]);
    }

    #[test]
    fn three_channels_are_red_green_and_blue() {
        let values = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        assert_eq!(pixels(&png(&values, [3, 1, 2], [0.0, 1.0]).unwrap()), [[255, 0, 255], [0, 255, 255]]);
    }

    #[test]
    fn what_is_no_image_has_no_picture() {
        assert_eq!(png(&[1.0; 5], [1, 2, 2], [0.0, 1.0]), None);
        assert_eq!(png(&[], [1, 0, 2], [0.0, 1.0]), None);
    }
}
