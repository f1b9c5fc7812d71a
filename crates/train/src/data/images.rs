//! Images from a folder that holds one folder for each class.
use super::raw::{Labels, Places, TargetColumn, counted, quoted};
use super::{DataError, DataReport, Loaded, RowSource, Targets, files, targets};
use crate::recipe::{BrokenImages, Channels, ImageSpec, Recipe, Resize};
use ::image::imageops::FilterType;
use ::image::{DynamicImage, ImageReader};
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Endings of files that are read.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Images that are decoded side by side before they are put away: bounds the memory (our choice).
const FILES_AT_ONCE: usize = 256;

/// Files that are named in a note; the others are counted (our choice).
const NAMED: usize = 5;

/// Images as inputs `[channels, height, width]` from 0 to 1.
#[derive(Debug)]
pub(crate) struct Images {
    spec: ImageSpec,
    files: Vec<PathBuf>,
    targets: Targets,
    class_names: Vec<String>,
    /// The values of all images, 0 to 255; `None` where each is decoded when it is asked for.
    pixels: Option<Vec<u8>>,
}

/// Reads a folder. Every image is decoded once, so that one that is broken is found before the training.
pub(crate) fn read(folder: &Path, recipe: &Recipe, spec: ImageSpec) -> Result<Loaded, DataError> {
    let mut report = DataReport::default();
    let (files, labels) = find(folder, &mut report)?;
    let keep = !recipe.data.stream;
    let (mut good, mut pixels, mut classes) = (Vec::new(), Vec::new(), Labels::default());
    let place = folder.display().to_string();
    each(&files, &spec, &place, &mut report, |at, image| {
        if keep {
            pixels.extend(image);
        }
        classes.push(&labels[at]);
        good.push(files[at].clone());
    })?;
    if good.is_empty() {
        return Err(DataError::content(
            place,
            "no image of it can be read; is this the folder that holds a folder for each class?",
        ));
    }
    let places = Places::by_row(folder);
    let columns = vec![TargetColumn::Labels(classes)];
    let resolved = targets::resolve(columns, &["folder".to_owned()], recipe, &places, &mut report)?;
    let (targets, class_names) = (resolved.targets, resolved.class_names);
    let images = Images { spec, files: good, targets, class_names, pixels: keep.then_some(pixels) };
    Ok(Loaded { dataset: Arc::new(images), task: resolved.task, report, tokenizer: None })
}

/// Calls `see` with the place and the values of each image that can be read. Of the others the first is an error, or all are noted.
fn each(
    files: &[PathBuf],
    spec: &ImageSpec,
    place: &str,
    report: &mut DataReport,
    mut see: impl FnMut(usize, Vec<u8>),
) -> Result<(), DataError> {
    let mut broken = Vec::new();
    for (first, files) in (0..).step_by(FILES_AT_ONCE).zip(files.chunks(FILES_AT_ONCE)) {
        let decoded: Vec<Result<Vec<u8>, String>> = files.par_iter().map(|file| decode(file, spec)).collect();
        for ((at, file), image) in (first..).zip(files).zip(decoded) {
            match image {
                Ok(image) => see(at, image),
                Err(text) if spec.broken == BrokenImages::Error => {
                    let text = format!("{text}; mend or remove it, or write broken = \"skip\" under [data.examples]");
                    return Err(DataError::broken(file.display().to_string(), text));
                }
                Err(text) => broken.push(format!("{} ({text})", name_of(file))),
            }
        }
    }
    if !broken.is_empty() {
        let count = counted(broken.len(), "image");
        report.note(place, format!("{count} could not be read and were left out: {}", some(&broken)));
    }
    Ok(())
}

/// Images without their classes: one file, or all in a folder and in those inside of it, in the order of their names. Returns their values
/// `[images, channels, height, width]` and what each is called within the folder.
pub(crate) fn inputs(
    path: &Path,
    spec: &ImageSpec,
    report: &mut DataReport,
) -> Result<(Vec<f32>, Vec<String>), DataError> {
    let place = path.display().to_string();
    let (mut files, mut others) = (Vec::new(), Vec::new());
    if path.is_file() {
        files.push(path.to_owned());
    } else {
        collect(path, &mut files, &mut others)?;
    }
    if files.is_empty() {
        return Err(DataError::content(place, format!("it holds no image; images end in .{}", ENDINGS.join(", ."))));
    }
    if !others.is_empty() {
        report.note(
            &place,
            format!("{} that are no images were not read: {}", counted(others.len(), "file"), some(&others)),
        );
    }
    let (mut values, mut names) = (Vec::new(), Vec::new());
    each(&files, spec, &place, report, |at, image| {
        values.extend(image.into_iter().map(|value| f32::from(value) / 255.0));
        let name = files[at].strip_prefix(path).ok().filter(|name| !name.as_os_str().is_empty()).unwrap_or(&files[at]);
        names.push(name.display().to_string());
    })?;
    Ok((values, names))
}

/// The images, each with its class, in the order of classes and names.
fn find(folder: &Path, report: &mut DataReport) -> Result<(Vec<PathBuf>, Vec<String>), DataError> {
    let place = folder.display().to_string();
    if folder.is_file() {
        return Err(DataError::content(
            place,
            "this is a file; name the folder that holds one folder of images for each class",
        ));
    }
    let (mut images, mut labels, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut has_class = false;
    for entry in entries(folder)? {
        if !entry.is_dir() {
            others.push(name_of(&entry));
            continue;
        }
        has_class = true;
        let before = images.len();
        collect(&entry, &mut images, &mut others)?;
        if images.len() == before {
            report.note(
                &place,
                format!("the folder of class {} holds no image, so there is no such class", quoted(&name_of(&entry))),
            );
        }
        labels.resize(images.len(), name_of(&entry));
    }
    if !has_class {
        let text = "there is no folder in it; sort the images into one folder for each class";
        return Err(DataError::content(place, text));
    }
    if images.is_empty() {
        return Err(DataError::content(
            place,
            format!("its folders hold no image; images end in .{}", ENDINGS.join(", .")),
        ));
    }
    if !others.is_empty() {
        let files = counted(others.len(), "file");
        report.note(&place, format!("{files} that are no images of a class were not read: {}", some(&others)));
    }
    Ok((images, labels))
}

/// What a folder holds, in the order of names, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(DataError::NotFound { path: folder.to_owned(), hint: String::new() });
        }
        Err(source) => return Err(DataError::Unreadable { path: folder.to_owned(), source }),
    };
    let unreadable = |source| DataError::Unreadable { path: folder.to_owned(), source };
    let mut found =
        entries.map(|entry| Ok(entry.map_err(unreadable)?.path())).collect::<Result<Vec<_>, DataError>>()?;
    found.retain(|path| !name_of(path).starts_with('.'));
    found.sort_unstable();
    Ok(found)
}

/// The images in a folder and in those inside of it. A link to a folder is not followed, so that none leads in a circle.
fn collect(folder: &Path, images: &mut Vec<PathBuf>, others: &mut Vec<String>) -> Result<(), DataError> {
    for entry in entries(folder)? {
        if entry.is_dir() && !entry.is_symlink() {
            collect(&entry, images, others)?;
        } else if files::ending(&entry).is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
            images.push(entry);
        } else {
            others.push(name_of(&entry));
        }
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The first few of some names.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
}

/// The values of an image, channel by channel; the error is the end of a sentence.
fn decode(file: &Path, spec: &ImageSpec) -> Result<Vec<u8>, String> {
    // The decoders check what a broken file claims; should one of them give up, that is a broken file too.
    catch_unwind(AssertUnwindSafe(|| {
        let reader = ImageReader::open(file).and_then(ImageReader::with_guessed_format);
        let image = reader.map_err(|error| error.to_string())?.decode().map_err(|error| error.to_string())?;
        Ok(planes(sized(image, spec)))
    }))
    .unwrap_or_else(|_| Err("its decoder gave up".to_owned()))
    .map_err(|text: String| format!("this is no PNG or JPEG image, or it is damaged ({text})"))
}

/// An image in the channels and the size that a recipe asks for.
fn sized(image: DynamicImage, spec: &ImageSpec) -> DynamicImage {
    let image = match spec.channels {
        Channels::Gray => DynamicImage::ImageLuma8(image.into_luma8()),
        Channels::Rgb => DynamicImage::ImageRgb8(image.into_rgb8()),
    };
    let (width, height) = (spec.width as u32, spec.height as u32);
    let filter = match spec.resize {
        Resize::Nearest => FilterType::Nearest,
        Resize::Bilinear => FilterType::Triangle,
        Resize::Bicubic => FilterType::CatmullRom,
        Resize::Lanczos => FilterType::Lanczos3,
    };
    if (image.width(), image.height()) == (width, height) {
        image
    } else if spec.crop {
        image.resize_to_fill(width, height, filter)
    } else {
        image.resize_exact(width, height, filter)
    }
}

/// Pixel by pixel turned into channel by channel.
fn planes(image: DynamicImage) -> Vec<u8> {
    let channels = usize::from(image.color().channel_count());
    let pixels = image.into_bytes();
    (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(channels).copied()).collect()
}

impl RowSource for Images {
    fn rows(&self) -> usize {
        self.files.len()
    }

    fn features(&self) -> usize {
        self.spec.shape().iter().product::<u64>() as usize
    }

    /// `red[3,5]`: row 3 and column 5 of the image.
    fn feature_name(&self, column: usize) -> String {
        let width = self.spec.width as usize;
        let (channel, pixel) = (self.scale_group(column), column % (width * self.spec.height as usize));
        let channel = match self.spec.channels {
            Channels::Gray => "gray",
            Channels::Rgb => ["red", "green", "blue"][channel.min(2)],
        };
        format!("{channel}[{},{}]", pixel / width, pixel % width)
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
        let features = self.features();
        let add =
            |into: &mut Vec<f32>, pixels: &[u8]| into.extend(pixels.iter().map(|&value| f32::from(value) / 255.0));
        match &self.pixels {
            Some(pixels) => rows.iter().for_each(|&row| add(into, &pixels[row * features..(row + 1) * features])),
            None => {
                let images: Vec<Result<Vec<u8>, String>> =
                    rows.par_iter().map(|&row| decode(&self.files[row], &self.spec)).collect();
                for (&row, image) in rows.iter().zip(images) {
                    let image = image.map_err(|text| DataError::broken(self.files[row].display().to_string(), text))?;
                    add(into, &image);
                }
            }
        }
        Ok(())
    }

    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
        Ok(self.targets.pick(rows))
    }

    /// The channel.
    fn scale_group(&self, column: usize) -> usize {
        column / (self.spec.width * self.spec.height) as usize
    }

    fn is_slow(&self) -> bool {
        self.pixels.is_none()
    }
}
