//! The convolution of images and its derivatives as matrix products, on slices. The matrix of patches ("im2col", Chellapilla et al.,
//! 2006) is never whole: a few thousand numbers of it are made where they are used, and stay in the cache.

use super::matrix::{Panels, Place, View, WIDTH, multiply_panels};
use super::parts::for_each_part;
use std::borrow::Cow;

/// Rows of the matrix of patches that are multiplied at once, about: enough for the product to be fast, few enough for the cache.
const DEPTH: usize = 512;

/// Parts of a batch that each sum a gradient of the weight of their own. Their number does not depend on that of the threads, and
/// so neither does the order of the sum.
const PARTS: usize = 4;

/// The shapes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) batch: usize,
    /// Of the input.
    pub(super) channels: usize,
    /// Height and width of the input.
    pub(super) image: [usize; 2],
    /// Channels of the output.
    pub(super) units: usize,
    /// Height and width of the output.
    pub(super) output: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    /// Zeros above and left of the image.
    pub(super) padding: [usize; 2],
}

/// Neighbouring places of the output that see neighbouring pixels.
#[derive(Clone, Copy)]
struct Piece {
    /// Where it begins in a list of places.
    start: usize,
    length: usize,
    /// The first pixel, counted from the beginning of its channel.
    pixel: usize,
}

/// Some places of the output: what each pixel of the kernel sees from there.
struct Window {
    first: usize,
    count: usize,
    /// For each pixel of the kernel, row by row.
    pieces: Vec<Vec<Piece>>,
    /// Pixels from place to place.
    stride: usize,
    /// Whether some of the places see zeros around the image.
    has_zeros: bool,
}

impl Window {
    /// What each pixel of the kernel sees of one channel, each into a row of its own.
    fn look<'a>(&self, channel: &[f32], rows: impl Iterator<Item = &'a mut [f32]>) {
        for (row, pieces) in rows.zip(&self.pieces) {
            if self.has_zeros {
                row[..self.count].fill(0.0);
            }
            for piece in pieces {
                let places = &mut row[piece.start..][..piece.length];
                let pixels = &channel[piece.pixel..];
                if self.stride == 1 {
                    places.copy_from_slice(&pixels[..piece.length]);
                } else {
                    places
                        .iter_mut()
                        .zip(pixels.iter().step_by(self.stride))
                        .for_each(|(place, pixel)| *place = *pixel);
                }
            }
        }
    }
}

impl Geometry {
    /// Weights of one unit.
    pub(super) const fn patch(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// Pixels of the input.
    pub(super) const fn pixels(&self) -> usize {
        self.image[0] * self.image[1]
    }

    /// Pixels of the output.
    pub(super) const fn places(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// The convolution that gives the gradient of the input: that of the output's gradient, spread by the stride, with the weight
    /// turned round. `None` where there are more zeros around the image than the kernel can see at once.
    pub(super) fn of_input(&self) -> Option<Self> {
        let zeros = |axis: usize| self.kernel[axis].checked_sub(1 + self.padding[axis]);
        let padding = [zeros(0)?, zeros(1)?];
        let spread = |axis: usize| (self.output[axis] - 1) * self.stride[axis] + 1;
        Some(Self {
            channels: self.units,
            image: [spread(0), spread(1)],
            units: self.channels,
            output: self.image,
            stride: [1, 1],
            padding,
            ..*self
        })
    }

    /// The gradient of the output with zeros between its pixels, as the convolution of [`Geometry::of_input`] takes it.
    pub(super) fn spread<'a>(&self, gradient: &'a [f32]) -> Cow<'a, [f32]> {
        if self.stride == [1, 1] {
            return Cow::Borrowed(gradient);
        }
        let [height, width] = self.output;
        let wide = (width - 1) * self.stride[1] + 1;
        let size = ((height - 1) * self.stride[0] + 1) * wide;
        let mut spread = vec![0.0; gradient.len() / (height * width) * size];
        for (image, spread) in gradient.chunks_exact(height * width).zip(spread.chunks_exact_mut(size)) {
            let rows = spread.chunks_mut(wide * self.stride[0]);
            for (row, spread) in image.chunks_exact(width).zip(rows) {
                spread[..wide].iter_mut().step_by(self.stride[1]).zip(row).for_each(|(place, value)| *place = *value);
            }
        }
        Cow::Owned(spread)
    }

    /// The places of the output, at most `size` at a time.
    fn windows(&self, size: usize) -> Vec<Window> {
        (0..self.places()).step_by(size).map(|first| self.window(first, size.min(self.places() - first))).collect()
    }

    fn window(&self, first: usize, count: usize) -> Window {
        let pieces: Vec<Vec<Piece>> = self.kernel_pixels().map(|pixel| self.pieces(pixel, first, count)).collect();
        let seen = |pieces: &Vec<Piece>| pieces.iter().map(|piece| piece.length).sum::<usize>();
        let has_zeros = pieces.iter().any(|pieces| seen(pieces) < count);
        Window { first, count, pieces, stride: self.stride[1], has_zeros }
    }

    /// What the kernel's pixel `[y, x]` sees in `count` places from `first` on.
    fn pieces(&self, [y, x]: [usize; 2], first: usize, count: usize) -> Vec<Piece> {
        let ([height, width], [stride_y, stride_x]) = (self.image, self.stride);
        let (mut pieces, mut place) = (Vec::new(), first);
        while place < first + count {
            let (row, column) = (place / self.output[1], place % self.output[1]);
            let length = (self.output[1] - column).min(first + count - place);
            let seen_row = (row * stride_y + y).wrapping_sub(self.padding[0]);
            // Places left of the image, and those left of its right end.
            let offset = column * stride_x + x;
            let before = self.padding[1].saturating_sub(offset).div_ceil(stride_x).min(length);
            let end = (width + self.padding[1]).saturating_sub(offset).div_ceil(stride_x).clamp(before, length);
            if seen_row < height && before < end {
                let pixel = seen_row * width + offset + before * stride_x - self.padding[1];
                pieces.push(Piece { start: place - first + before, length: end - before, pixel });
            }
            place += length;
        }
        pieces
    }

    /// Channels whose patches are worked on together.
    fn channels_at_once(&self) -> usize {
        (DEPTH / (self.kernel[0] * self.kernel[1]).max(1)).clamp(1, self.channels.max(1))
    }

    /// The kernel's pixels, row by row.
    fn kernel_pixels(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let [height, width] = self.kernel;
        (0..height * width).map(move |pixel| [pixel / width, pixel % width])
    }

    /// The output `[batch, units, ..]` for an input `[batch, channels, ..]`, a weight `[units, channels, kernel, kernel]` and a bias
    /// for each unit.
    pub(super) fn convolve(&self, input: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let (places, units) = (self.places(), self.units);
        let mut output = vec![0.0; self.batch * units * places];
        let images = self.batch.div_ceil(rayon::current_num_threads()).max(1);
        let windows = self.windows(WIDTH);
        let work = |(number, output): (usize, &mut [f32])| {
            let mut panels = Panels::empty();
            for (image, output) in output.chunks_exact_mut(units * places).enumerate() {
                let size = self.channels * self.pixels();
                let input = &input[(number * images + image) * size..][..size];
                if let Some(bias) = bias {
                    output.chunks_exact_mut(places).zip(bias).for_each(|(output, bias)| output.fill(*bias));
                }
                self.convolve_image(&windows, input, weight, &mut panels, output);
            }
        };
        for_each_part(&mut output, images * units * places, work);
        output
    }

    /// Adds the output of one image to what is there.
    fn convolve_image(
        &self,
        windows: &[Window],
        input: &[f32],
        weight: &[f32],
        panels: &mut Panels,
        output: &mut [f32],
    ) {
        let (places, pixels, at_once) = (self.places(), self.pixels(), self.channels_at_once());
        let area = self.kernel[0] * self.kernel[1];
        for window in windows {
            for channel in (0..self.channels).step_by(at_once) {
                let channels = at_once.min(self.channels - channel);
                let rows = panels.rows(channels * area, window.count);
                for (number, rows) in rows.chunks_exact_mut(area).enumerate() {
                    let values = &input[(channel + number) * pixels..][..pixels];
                    window.look(values, rows.iter_mut().map(<[f32; WIDTH]>::as_mut_slice));
                }
                let left = View::rows(&weight[channel * area..], self.patch());
                multiply_panels(left, self.units, panels, (&mut output[window.first..], places), Place::Sum);
            }
        }
    }

    /// The weight `[units, channels, kernel, kernel]` as the convolution of [`Geometry::of_input`] takes it:
    /// `[channels, units, kernel, kernel]`, turned round.
    pub(super) fn turn(&self, weight: &[f32]) -> Vec<f32> {
        let area = self.kernel[0] * self.kernel[1];
        let mut turned = vec![0.0; weight.len()];
        for (place, turned) in turned.chunks_exact_mut(area.max(1)).enumerate() {
            let (channel, unit) = (place / self.units, place % self.units);
            let from = &weight[(unit * self.channels + channel) * area..][..area];
            turned.iter_mut().zip(from.iter().rev()).for_each(|(turned, value)| *turned = *value);
        }
        turned
    }

    /// The gradient of the weight `[units, channels, kernel, kernel]`, given the input and the gradient of the output.
    pub(super) fn of_weight(&self, input: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (patch, units) = (self.patch(), self.units);
        let images = self.batch.div_ceil(PARTS).max(1);
        let parts = self.batch.div_ceil(images);
        let windows = self.windows(DEPTH);
        let mut sums = vec![0.0; parts * patch * units];
        let work = |(number, sum): (usize, &mut [f32])| {
            for image in number * images..((number + 1) * images).min(self.batch) {
                let (size, places) = (self.channels * self.pixels(), units * self.places());
                let (input, gradient) = (&input[image * size..][..size], &gradient[image * places..][..places]);
                self.add_of_weight(&windows, input, gradient, sum);
            }
        };
        for_each_part(&mut sums, patch * units, work);
        let (sum, others) = sums.split_at(patch * units);
        let mut result = vec![0.0; patch * units];
        for (place, value) in sum.iter().enumerate() {
            let all = others.iter().skip(place).step_by(patch * units).fold(*value, |sum, value| sum + value);
            result[(place % units) * patch + place / units] = all;
        }
        result
    }

    /// Adds what one image contributes to the transposed gradient of the weight, `[channels, kernel, kernel, units]`.
    fn add_of_weight(&self, windows: &[Window], input: &[f32], gradient: &[f32], sum: &mut [f32]) {
        let (places, pixels, units) = (self.places(), self.pixels(), self.units);
        let area = self.kernel[0] * self.kernel[1];
        let at_once = self.channels_at_once().min(DEPTH / (8 * area) + 1);
        let mut patches = vec![0.0; at_once * area * DEPTH.min(places)];
        for window in windows {
            let count = window.count;
            let right = Panels::new(View::columns(&gradient[window.first..], places), count, units);
            for first in (0..self.channels).step_by(at_once) {
                let channels = at_once.min(self.channels - first);
                for (number, patches) in patches.chunks_exact_mut(area * count).take(channels).enumerate() {
                    let values = &input[(first + number) * pixels..][..pixels];
                    window.look(values, patches.chunks_exact_mut(count));
                }
                let sum = &mut sum[first * area * units..][..channels * area * units];
                let left = View::rows(&patches, count);
                multiply_panels(left, channels * area, &right, (sum, units), Place::Sum);
            }
        }
    }

    /// The gradient of the bias, given that of the output.
    pub(super) fn of_bias(&self, gradient: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.units];
        for image in gradient.chunks_exact((self.units * self.places()).max(1)) {
            for (sum, places) in sums.iter_mut().zip(image.chunks_exact(self.places())) {
                *sum += f64::from(super::math::sum(places));
            }
        }
        sums.into_iter().map(|sum| sum as f32).collect()
    }
}
