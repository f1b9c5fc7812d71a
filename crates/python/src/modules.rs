//! The hooks of modules that run at every call of every layer: what is the same from step to step is done here, the rest by the
//! slow path in Python, which knows all cases.
use crate::array::describe;
use crate::reading::read;
use crate::session::Session;
use barograph_monitor::reading_options;
use barograph_vocab::{Role, SiteId};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::collections::HashMap;
use std::thread::ThreadId;
use std::time::Instant;

/// What is done at the end of a module's forward pass.
enum Module {
    /// Nothing: it only passes on what came in, or holds other modules.
    Passing,
    /// Its result is read.
    Layer(Reader),
    /// It is an activation function: its result is read as the activation of the layer before it.
    Function,
}

/// A layer whose readings have their place.
struct Reader {
    /// What Python knows of it.
    layer: Py<PyAny>,
    site: u32,
    /// Whether no activation function follows, so that its result is the activation itself.
    linear: bool,
}

/// The latest result of a layer, until an activation function takes it up.
struct Latest {
    tensor: Py<PyAny>,
    layer: Py<PyAny>,
    site: u32,
    linear: bool,
}

/// Hooks of modules for one supervisor, with the stack of modules whose forward passes are under way.
#[pyclass(module = "barograph")]
pub(crate) struct ModuleHooks {
    session: Py<Session>,
    /// Modules below the model that loop code called, that one first.
    #[pyo3(get)]
    stack: Py<PyList>,
    /// Whether nothing is to be seen.
    #[pyo3(get, set)]
    quiet: bool,
    /// Whether the results of modules are read at the moment.
    #[pyo3(get, set)]
    reads_modules: bool,
    /// Whether all that is read now is read here: on the CPU, in a step without readings per unit, with no mode above.
    #[pyo3(get, set)]
    fast: bool,
    enter_slowly: Py<PyAny>,
    leave_slowly: Py<PyAny>,
    thread: ThreadId,
    modules: HashMap<usize, Module>,
    latest: Option<Latest>,
    seconds: f64,
}

#[pymethods]
impl ModuleHooks {
    /// Hooks for the thread that calls this. `enter_slowly(module, args)` and `leave_slowly(module, args, kwargs, out)` do what is
    /// not done here.
    #[new]
    fn new(py: Python<'_>, session: Py<Session>, enter_slowly: Py<PyAny>, leave_slowly: Py<PyAny>) -> Self {
        Self {
            session,
            stack: PyList::empty(py).unbind(),
            quiet: false,
            reads_modules: false,
            fast: false,
            enter_slowly,
            leave_slowly,
            thread: std::thread::current().id(),
            modules: HashMap::new(),
            latest: None,
            seconds: 0.0,
        }
    }

    /// The module with this `id` needs nothing done when it ends.
    fn passes(&mut self, module: usize) {
        self.modules.insert(module, Module::Passing);
    }

    /// The module with this `id` is an activation function.
    fn is_function(&mut self, module: usize) {
        self.modules.insert(module, Module::Function);
    }

    /// The module with this `id` is a layer that is read at `site`; `linear` if no activation function follows.
    fn is_layer(&mut self, module: usize, layer: Py<PyAny>, site: u32, linear: bool) {
        self.modules.insert(module, Module::Layer(Reader { layer, site, linear }));
    }

    /// The module with this `id` is gone, or is to be looked at by the slow path again. Serves as the callback of a weak reference.
    #[pyo3(signature = (module, _reference=None))]
    fn forget(&mut self, module: usize, _reference: Option<&Bound<'_, PyAny>>) {
        self.modules.remove(&module);
    }

    /// No layer waits for its activation function.
    fn clear(&mut self) {
        self.latest = None;
    }

    /// The layer whose latest result `tensor` is.
    fn maker(&self, py: Python<'_>, tensor: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
        self.latest.as_ref().filter(|latest| latest.tensor.is(tensor)).map(|latest| latest.layer.clone_ref(py))
    }

    /// Seconds that were spent here since this was asked last.
    fn take_seconds(&mut self) -> f64 {
        std::mem::take(&mut self.seconds)
    }

    /// A module is called.
    fn enter(slf: &Bound<'_, Self>, module: &Bound<'_, PyAny>, args: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let slowly = {
            let this = slf.borrow();
            let stack = this.stack.bind(slf.py());
            if !this.quiet && !stack.is_empty() && this.is_own_thread() {
                stack.append(module)?;
                return Ok(None);
            }
            this.enter_slowly.clone_ref(slf.py())
        };
        slowly.call1(slf.py(), (module, args)).map(Some)
    }

    /// A module has its result.
    fn leave(
        slf: &Bound<'_, Self>,
        module: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let slowly = {
            let mut this = slf.borrow_mut();
            if this.leaves(slf.py(), module, args, out).unwrap_or(false) {
                return Ok(None);
            }
            this.leave_slowly.clone_ref(slf.py())
        };
        slowly.call1(slf.py(), (module, args, kwargs, out)).map(Some)
    }
}

impl ModuleHooks {
    fn is_own_thread(&self) -> bool {
        std::thread::current().id() == self.thread
    }

    /// Does what is to be done at the end of a module. Returns whether that was all.
    fn leaves(
        &mut self,
        py: Python<'_>,
        module: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let begun = Instant::now();
        let stack = self.stack.clone_ref(py).into_bound(py);
        let depth = stack.len();
        if self.quiet || depth < 2 || !self.is_own_thread() || !stack.get_item(depth - 1)?.is(module) {
            return Ok(false);
        }
        let done = !self.reads_modules || (self.fast && self.reads(py, module.as_ptr() as usize, args, out)?);
        if done {
            stack.del_item(depth - 1)?;
        }
        self.seconds += begun.elapsed().as_secs_f64();
        Ok(done)
    }

    fn reads(
        &mut self,
        py: Python<'_>,
        module: usize,
        args: &Bound<'_, PyTuple>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        match self.modules.get(&module) {
            None => Ok(false),
            Some(Module::Passing) => Ok(true),
            Some(Module::Layer(Reader { layer, site, linear })) => {
                let role = if *linear { Role::Activation } else { Role::PreActivation };
                if !self.read(py, *site, role, out)? {
                    return Ok(false);
                }
                let (tensor, layer) = (out.clone().unbind(), layer.clone_ref(py));
                self.latest = Some(Latest { tensor, layer, site: *site, linear: *linear });
                Ok(true)
            }
            Some(Module::Function) => {
                let Some(latest) = self.latest.as_ref().filter(|_| !args.is_empty()) else { return Ok(false) };
                if !latest.tensor.is(&args.get_item(0)?) {
                    return Ok(false);
                }
                if !latest.linear && !self.read(py, latest.site, Role::Activation, out)? {
                    return Ok(false);
                }
                self.latest = None;
                Ok(true)
            }
        }
    }

    /// Reads a result, unless this site and role were read in this step. Returns whether it is one that can be read here.
    fn read(&self, py: Python<'_>, site: u32, role: Role, out: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(memory) = describe(out).filter(|memory| memory.kind.is_float()) else { return Ok(false) };
        let session = self.session.get();
        if session.is_first(site, role) {
            session.take_reading(SiteId(site), role, read(py, &memory, reading_options(role))?);
        }
        Ok(true)
    }
}
