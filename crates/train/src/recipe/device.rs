//! The device of a recipe.
use super::{Recipe, RecipeError};
use barograph_burn::DeviceName;
use burn::prelude::*;

impl Recipe {
    /// The device that the recipe names; the processor where that is no name, which [`Recipe::check`] says.
    #[must_use]
    pub fn device_name(&self) -> DeviceName {
        self.device.parse().unwrap_or_default()
    }

    /// The device, ready for tensors, with or without autodiff.
    ///
    /// # Errors
    /// When the name is wrong, this build cannot use such a device, or this machine has none; and what to do.
    pub fn open_device(&self, autodiff: bool) -> Result<Device, RecipeError> {
        let opened = self.device.parse::<DeviceName>().and_then(|name| name.open(autodiff));
        opened.map_err(|problem| RecipeError::one(self.place("device"), "device", problem))
    }
}
