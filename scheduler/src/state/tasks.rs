use super::Task;
use std::{ops::Index, sync::Arc};

/// The tasks of a job, by name and by place. A place never changes, so that links between tasks are numbers.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    list: Vec<Task>,
    /// Places, sorted by name.
    names: Vec<u32>,
}

impl Tasks {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.names.binary_search_by(|at| (*self.list[*at as usize].spec.name).cmp(name))
    }

    /// The place of the task of that name.
    pub fn place(&self, name: &str) -> Option<u32> {
        self.find(name).ok().map(|at| self.names[at])
    }
    pub fn at(&self, place: u32) -> Option<&Task> {
        self.list.get(place as usize)
    }
    pub fn at_mut(&mut self, place: u32) -> Option<&mut Task> {
        self.list.get_mut(place as usize)
    }
    pub fn get(&self, name: &str) -> Option<&Task> {
        self.at(self.place(name)?)
    }
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Task> {
        self.at_mut(self.place(name)?)
    }
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }
    pub fn len(&self) -> usize {
        self.list.len()
    }
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Makes room for so many more, and no more than that.
    pub fn reserve(&mut self, more: usize) {
        self.list.reserve_exact(more);
        self.names.reserve_exact(more);
    }

    /// Adds a task under the name of its specification, or puts it in the place of the one of that name.
    pub fn insert(&mut self, task: Task) -> u32 {
        match self.find(&task.spec.name) {
            Ok(at) => {
                let place = self.names[at];
                self.list[place as usize] = task;
                place
            }
            Err(at) => {
                let place = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
                self.list.push(task);
                self.names.insert(at, place);
                place
            }
        }
    }

    /// By place.
    pub fn values(&self) -> impl Iterator<Item = &Task> {
        self.list.iter()
    }
    /// By place.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Task> {
        self.list.iter_mut()
    }
    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Task)> {
        self.names.iter().map(|at| &self.list[*at as usize]).map(|task| (&task.spec.name, task))
    }
}

impl PartialEq for Tasks {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Index<&str> for Tasks {
    type Output = Task;
    fn index(&self, name: &str) -> &Task {
        &self.list[self.names[self.find(name).unwrap_or(usize::MAX)] as usize]
    }
}

impl FromIterator<Task> for Tasks {
    fn from_iter<I: IntoIterator<Item = Task>>(tasks: I) -> Self {
        let mut list: Vec<Task> = tasks.into_iter().collect();
        list.sort_by_key(|task| task.position);
        // Of two of the same name the later one: whoever reads them from far may have had to begin anew.
        list.dedup_by(|later, kept| {
            let same = later.spec.name == kept.spec.name;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        list.shrink_to_fit();
        let mut names: Vec<u32> = (0..u32::try_from(list.len()).unwrap_or(u32::MAX)).collect();
        names.sort_by(|a, b| list[*a as usize].spec.name.cmp(&list[*b as usize].spec.name));
        Self { list, names }
    }
}
