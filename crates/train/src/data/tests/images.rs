//! Images from a folder.
use super::*;
use crate::Trainer;
use crate::recipe::{BrokenImages, Channels, ImageSpec};
use ::image::{ImageFormat, Rgb, RgbImage};
use std::io::Cursor;

/// A folder of classes `blue` and `red`, each with images that are mostly of its colour.
struct Classes(tempfile::TempDir);

fn picture(colour: [u8; 3], width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| if (x, y) == (0, 0) { Rgb([255; 3]) } else { Rgb(colour) });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("written");
    bytes.into_inner()
}

impl Classes {
    fn new() -> Self {
        let classes = Self(tempfile::tempdir().expect("folder"));
        for number in 0..6 {
            let (side, format, ending) =
                if number % 2 == 0 { (4, ImageFormat::Png, "png") } else { (9, ImageFormat::Jpeg, "JPG") };
            classes.put(&format!("red/{number}.{ending}"), &picture([200, 10, 20], side, side, format));
            classes.put(&format!("blue/deep/{number}.{ending}"), &picture([0, 20, 220], side, side, format));
        }
        classes
    }

    fn put(&self, name: &str, content: &[u8]) {
        let file = self.0.path().join(name);
        std::fs::create_dir_all(file.parent().expect("it has one")).expect("made");
        std::fs::write(file, content).expect("written");
    }

    fn said(&self, recipe: &Recipe) -> String {
        let said = read(self.0.path(), recipe).map(|loaded| loaded.report.notes.join("\n"));
        said.unwrap_or_else(|error| error.to_string()).replace(&self.0.path().display().to_string(), "data")
    }
}

fn spec() -> ImageSpec {
    ImageSpec { height: 4, width: 4, ..ImageSpec::default() }
}

fn of_images(spec: ImageSpec) -> Recipe {
    let mut recipe = recipe(&[], &[], LossKind::CrossEntropy, 2);
    recipe.data.examples = Examples::Images { spec };
    recipe
}

fn inputs(source: &dyn RowSource, row: usize) -> Vec<f32> {
    let mut inputs = Vec::new();
    source.inputs(&[row], &mut inputs).expect("read");
    inputs
}

#[test]
fn a_folder_is_a_class_and_channels_come_one_after_the_other() {
    let classes = Classes::new();
    let loaded = read(classes.0.path(), &of_images(spec())).expect("read");
    let data = &loaded.dataset;
    assert_eq!((data.rows(), data.features(), loaded.task), (12, 48, Task::Multiclass));
    assert_eq!(data.class_names(), ["blue", "red"]);
    assert_eq!(data.targets(&[0, 5, 6, 11]).expect("read"), Targets::Classes(vec![0, 0, 1, 1]));
    let red = inputs(data, 6);
    let wanted = |channel: usize| red[channel * 16..(channel + 1) * 16].to_vec();
    for (channel, value) in [200.0, 10.0, 20.0].into_iter().enumerate() {
        assert_eq!(wanted(channel)[0], 1.0, "the corner is white");
        assert_eq!(wanted(channel)[1..], [value / 255.0; 15]);
    }
    assert_eq!((data.feature_name(0), data.feature_name(16 + 6)), ("red[0,0]".to_owned(), "green[1,2]".to_owned()));
    assert_eq!((data.scale_group(15), data.scale_group(16)), (0, 1));
    let shrunk = inputs(data, 7);
    assert!((shrunk[15] - 200.0 / 255.0).abs() < 0.05, "{shrunk:?}");

    let gray = read(classes.0.path(), &of_images(ImageSpec { channels: Channels::Gray, height: 2, ..spec() }));
    let gray = gray.expect("read").dataset;
    assert_eq!(gray.features(), 8);
    let value = inputs(&gray, 0)[7];
    // The weights of Rec. 709, as the library has them.
    assert!((value - (0.7152 * 20.0 + 0.0722 * 220.0) / 255.0).abs() < 0.01, "{value}");
}

#[test]
fn images_that_are_decoded_when_needed_are_the_same() {
    let classes = Classes::new();
    let memory = read(classes.0.path(), &of_images(spec())).expect("read").dataset;
    let mut streamed = of_images(spec());
    streamed.data.stream = true;
    let disk = read(classes.0.path(), &streamed).expect("read").dataset;
    assert!(disk.is_slow() && !memory.is_slow());
    for row in (0..12).rev() {
        assert_eq!(inputs(&disk, row), inputs(&memory, row));
    }
    std::fs::remove_file(classes.0.path().join("red/0.png")).expect("removed");
    let said = disk.inputs(&[6], &mut Vec::new()).expect_err("gone").to_string();
    assert!(said.contains("red/0.png: this is no PNG or JPEG image"), "{said}");
}

#[test]
fn odd_files_are_named_or_left_out_with_a_count() {
    let classes = Classes::new();
    let png = picture([1, 2, 3], 4, 4, ImageFormat::Png);
    classes.put("red/cut.png", &png[..png.len() / 2]);
    classes.put("red/text.jpeg", b"not an image");
    classes.put("red/Thumbs.db", b"");
    classes.put("red/.DS_Store", b"");
    classes.put("readme.md", b"");
    std::fs::create_dir(classes.0.path().join("green")).expect("made");
    let skip = of_images(ImageSpec { broken: BrokenImages::Skip, ..spec() });
    let file = classes.0.path().join("red/0.png");
    let mut said = vec![classes.said(&of_images(spec())), classes.said(&skip)];
    let at = |path: &Path| {
        read(path, &skip).expect_err("wrong").to_string().replace(&classes.0.path().display().to_string(), "data")
    };
    said.push(at(&file));
    said.push(at(&classes.0.path().join("red")));
    said.push(at(&classes.0.path().join("nowhere")));
    std::fs::remove_dir_all(classes.0.path().join("red")).expect("removed");
    std::fs::remove_dir_all(classes.0.path().join("blue")).expect("removed");
    said.push(classes.said(&skip));
    classes.put("green/text.png", b"not an image");
    said.push(classes.said(&skip));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_convolution_learns_the_colours() {
    let classes = Classes::new();
    let text = "epochs = 20\nbatch = 4\n[data]\nexamples = { kind = \"images\", height = 4, width = 4 }\nnormalize = \"standard\"\n[[layers]]\nkind = \"conv2d\"\nchannels = 4\nkernel = 3\nactivation = \"relu\"\n[[layers]]\nkind = \"flatten\"\n[[layers]]\nkind = \"dense\"\nunits = 2\n[loss]\nkind = \"cross_entropy\"\n[optimizer]\nkind = \"adam\"\nlearning_rate = 0.02\n";
    let recipe = Recipe::parse(text, "a.toml").expect("valid");
    let data = read(classes.0.path(), &recipe).expect("read").dataset;
    let outcome = Trainer::from_recipe(&recipe, &data).expect("fits").fit(&data).expect("trains");
    let scalars = &outcome.history.last().expect("epochs").scalars;
    assert!(scalars.contains(&(barograph_vocab::Scalar::Accuracy, 1.0)), "{scalars:?}");
}

#[test]
fn rules_see_what_is_wrong_with_images() {
    let classes = Classes(tempfile::tempdir().expect("folder"));
    for number in 0..24 {
        classes.put(&format!("red/{number}.png"), &picture([number * 10, 3, 3], 4, 4, ImageFormat::Png));
    }
    let mut recipe = of_images(spec());
    recipe.layers = vec![LayerSpec::dense(2)];
    let found = super::streaming::found(classes.0.path(), &recipe);
    assert!(found.iter().any(|name| name == "one-class-only"), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_images_never_panic(jpeg: bool, at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let (format, name) = if jpeg { (ImageFormat::Jpeg, "a/b.jpg") } else { (ImageFormat::Png, "a/b.png") };
        let classes = Classes(tempfile::tempdir().expect("folder"));
        classes.put(name, &damaged(&picture([9, 8, 7], 9, 5, format), at, byte, cut));
        let _ = classes.said(&of_images(spec()));
    }
}
