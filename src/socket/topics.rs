//! A hub's view of groups and channels: which of its connections are attached to each, and the lines of
//! this tick, encoded once for all of them.

use super::frame::{self, Bytes};
use crate::domain::Topic;
use std::collections::HashMap;

/// One attached connection.
#[derive(Clone, Copy)]
pub struct Attached {
    pub slot: u32,
    /// Wants to hear who comes and goes.
    pub join_leave: bool,
}

pub struct LocalTopic {
    /// As clients name it.
    pub name: Box<str>,
    pub attached: Vec<Attached>,
    /// This tick's lines, and the same without those that a slow connection goes without.
    lines: Vec<u8>,
    kept: Vec<u8>,
    droppable: bool,
}

#[derive(Default)]
pub struct Topics {
    map: HashMap<Topic, LocalTopic>,
    /// Those with lines of this tick.
    dirty: Vec<Topic>,
    /// Bytes of all their lines.
    lined: usize,
}

/// A tick's lines of a topic as frames.
pub struct Batch {
    pub all: Bytes,
    /// What a connection over half its budget gets instead: nothing, if all can be dropped.
    pub kept: Option<Bytes>,
}

impl Topics {
    pub fn get(&self, topic: Topic) -> Option<&LocalTopic> {
        self.map.get(&topic)
    }

    /// Returns the place of the connection in the topic's list. `name`: as clients know it.
    pub fn attach(&mut self, topic: Topic, name: impl FnOnce() -> String, attached: Attached) -> usize {
        let local = self.map.entry(topic).or_insert_with(|| LocalTopic {
            name: name().into(),
            attached: Vec::new(),
            lines: Vec::new(),
            kept: Vec::new(),
            droppable: false,
        });
        local.attached.push(attached);
        local.attached.len() - 1
    }

    /// Takes the connection at `place` out; returns the one that took its place, if any.
    pub fn detach(&mut self, topic: Topic, place: usize) -> Option<Attached> {
        let local = self.map.get_mut(&topic)?;
        local.attached.swap_remove(place);
        let moved = local.attached.get(place).copied();
        if local.attached.is_empty() {
            self.map.remove(&topic);
        }
        moved
    }

    /// Appends a line with `write`. `droppable`: a slow connection goes without it.
    pub fn line(&mut self, topic: Topic, droppable: bool, write: impl FnOnce(&str, &mut Vec<u8>)) {
        let Some(local) = self.map.get_mut(&topic) else { return };
        if local.lines.is_empty() {
            self.dirty.push(topic);
        }
        let at = local.lines.len();
        write(&local.name, &mut local.lines);
        self.lined += local.lines.len() - at;
        if droppable && !local.droppable {
            // The first that can be dropped: from here on the two differ.
            local.kept = local.lines[..at].to_vec();
            local.droppable = true;
        } else if local.droppable && !droppable {
            local.kept.extend_from_slice(&local.lines[at..]);
        }
    }

    pub fn take_dirty(&mut self) -> Vec<Topic> {
        self.lined = 0;
        std::mem::take(&mut self.dirty)
    }

    /// Bytes of lines since they were last taken.
    pub fn lined(&self) -> usize {
        self.lined
    }

    /// The topic's lines so far, as frames; `None` when there are none.
    pub fn batch(&mut self, topic: Topic) -> Option<Batch> {
        let local = self.map.get_mut(&topic)?;
        if local.lines.is_empty() {
            return None;
        }
        let all = frame::text(&local.lines);
        let kept = match (local.droppable, local.kept.is_empty()) {
            (false, _) => Some(all.clone()),
            (true, true) => None,
            (true, false) => Some(frame::text(&local.kept)),
        };
        local.lines.clear();
        local.kept.clear();
        local.droppable = false;
        Some(Batch { all, kept })
    }
}
