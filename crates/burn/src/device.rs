//! The devices that a training can run on.
use burn::prelude::*;
use std::fmt;
use std::str::FromStr;

/// A device by the name that a recipe gives it: `cpu`, `cuda`, `cuda:1`, `wgpu`.
///
/// ```
/// use barograph_burn::DeviceName;
/// assert_eq!("cuda:1".parse(), Ok(DeviceName::Cuda(1)));
/// assert!("gpu".parse::<DeviceName>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// A card of NVIDIA by its number, in a build with the feature `cuda`.
    Cuda(usize),
    /// The graphics card that Vulkan, Metal or DirectX prefers, in a build with the feature `wgpu`.
    Wgpu,
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Wgpu => f.write_str("wgpu"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "wgpu" => Ok(Self::Wgpu),
            _ => {
                let number = name.strip_prefix("cuda:").and_then(|number| number.parse().ok());
                number.map(Self::Cuda).ok_or_else(|| {
                    format!(
                        "unknown device {name:?}; it can be \"cpu\", \"cuda\", \"cuda:1\" (the second card) or \"wgpu\""
                    )
                })
            }
        }
    }
}

impl DeviceName {
    /// The feature that a build needs for it, if it needs one.
    #[must_use]
    pub const fn feature(self) -> Option<&'static str> {
        match self {
            Self::Cpu => None,
            Self::Cuda(_) => Some("cuda"),
            Self::Wgpu => Some("wgpu"),
        }
    }

    /// Whether this build has what it needs.
    #[must_use]
    pub const fn is_built(self) -> bool {
        match self {
            Self::Cpu => true,
            Self::Cuda(_) => cfg!(feature = "cuda"),
            Self::Wgpu => cfg!(feature = "wgpu"),
        }
    }

    /// The device, ready for tensors, with or without autodiff.
    ///
    /// # Errors
    /// When this build cannot use such a device, or this machine has none; and what to do.
    pub fn open(self, autodiff: bool) -> Result<Device, String> {
        let device = match self {
            Self::Cpu => Device::flex(),
            #[cfg(feature = "cuda")]
            Self::Cuda(number) => graphics::cuda(number)?,
            #[cfg(feature = "wgpu")]
            Self::Wgpu => graphics::wgpu()?,
            #[cfg(not(all(feature = "cuda", feature = "wgpu")))]
            Self::Cuda(_) | Self::Wgpu => {
                let feature = self.feature().unwrap_or_default();
                return Err(format!(
                    "this build has no device {self}: build it with cargo install --path crates/cli --features {feature} (in code: cargo add barograph --features {feature}), or use device = \"cpu\""
                ));
            }
        };
        Ok(if autodiff { device.autodiff() } else { device })
    }
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
mod graphics {
    use burn::prelude::*;
    use burn::tensor::DeviceType;
    use std::panic::catch_unwind;

    /// Devices of this kind on this machine. A driver that is missing or broken makes burn panic, which means none.
    fn count(kind: fn() -> DeviceType) -> usize {
        catch_unwind(move || Device::enumerate(kind()).into_vec().len()).unwrap_or(0)
    }

    #[cfg(feature = "cuda")]
    pub(super) fn cuda(number: usize) -> Result<Device, String> {
        match count(|| DeviceType::Cuda) {
            0 => Err("this machine has no CUDA device, or no driver for it; use device = \"cpu\"".to_owned()),
            count if number >= count => {
                Err(format!("this machine has no device cuda:{number}; the last is cuda:{}", count - 1))
            }
            _ => Ok(Device::cuda(number)),
        }
    }

    #[cfg(feature = "wgpu")]
    pub(super) fn wgpu() -> Result<Device, String> {
        match count(|| DeviceType::Wgpu) {
            0 => Err(
                "this machine has no graphics device that wgpu can use, or no driver for it (on Linux: a Vulkan driver); use device = \"cpu\""
                    .to_owned(),
            ),
            _ => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        }
    }
}

/// The device of a module's weights, with or without autodiff; the processor for a module that has none.
#[must_use]
pub fn device_of<M: Module>(module: &M, autodiff: bool) -> Device {
    let device = module.devices().into_iter().next().unwrap_or_else(Device::flex);
    let device = if device.is_autodiff() { device.inner() } else { device };
    if autodiff { device.autodiff() } else { device }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, name) in [("cpu", DeviceName::Cpu), ("cuda:3", DeviceName::Cuda(3)), ("wgpu", DeviceName::Wgpu)] {
            assert_eq!(text.parse(), Ok(name));
            assert_eq!(name.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceName::Cuda(0)));
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"] {
            assert!(text.parse::<DeviceName>().is_err_and(|problem| problem.contains("\"cuda:1\"")), "{text}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_said_with_what_to_do() {
        for name in [DeviceName::Cuda(4096), DeviceName::Wgpu] {
            match name.open(true) {
                Ok(device) => assert!(name.is_built() && device.is_autodiff()),
                Err(problem) if name.is_built() => assert!(problem.contains("this machine has no"), "{problem}"),
                Err(problem) => {
                    let feature = name.feature().unwrap_or_default();
                    assert!(problem.contains(&format!("--features {feature}")), "{problem}");
                }
            }
        }
    }
}
