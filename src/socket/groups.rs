//! A hub's view of groups: which of its connections are attached, and the lines of this tick, encoded
//! once for all of them.

use super::frame::{self, Bytes};
use crate::domain::{Gid, GroupId};
use std::collections::HashMap;

/// One attached connection.
#[derive(Clone, Copy)]
pub struct Attached {
    pub slot: u32,
    /// Wants to hear who comes and goes.
    pub join_leave: bool,
}

pub struct LocalGroup {
    pub name: GroupId,
    pub attached: Vec<Attached>,
    /// This tick's lines, and the same without those that a slow connection goes without.
    lines: Vec<u8>,
    kept: Vec<u8>,
    droppable: bool,
}

#[derive(Default)]
pub struct Groups {
    map: HashMap<Gid, LocalGroup>,
    /// Groups with lines of this tick.
    dirty: Vec<Gid>,
    /// Bytes of all their lines.
    lined: usize,
}

/// A tick's lines of a group as frames.
pub struct Batch {
    pub all: Bytes,
    /// What a connection over half its budget gets instead: nothing, if all can be dropped.
    pub kept: Option<Bytes>,
}

impl Groups {
    pub fn get(&self, gid: Gid) -> Option<&LocalGroup> {
        self.map.get(&gid)
    }

    /// Returns the place of the connection in the group's list.
    pub fn attach(&mut self, gid: Gid, name: &GroupId, attached: Attached) -> usize {
        let group = self.map.entry(gid).or_insert_with(|| LocalGroup {
            name: name.clone(),
            attached: Vec::new(),
            lines: Vec::new(),
            kept: Vec::new(),
            droppable: false,
        });
        group.attached.push(attached);
        group.attached.len() - 1
    }

    /// Takes the connection at `place` out; returns the one that took its place, if any.
    pub fn detach(&mut self, gid: Gid, place: usize) -> Option<Attached> {
        let group = self.map.get_mut(&gid)?;
        group.attached.swap_remove(place);
        let moved = group.attached.get(place).copied();
        if group.attached.is_empty() {
            self.map.remove(&gid);
        }
        moved
    }

    /// Appends a line with `write`. `droppable`: a slow connection goes without it.
    pub fn line(&mut self, gid: Gid, droppable: bool, write: impl FnOnce(&GroupId, &mut Vec<u8>)) {
        let Some(group) = self.map.get_mut(&gid) else { return };
        if group.lines.is_empty() {
            self.dirty.push(gid);
        }
        let at = group.lines.len();
        write(&group.name, &mut group.lines);
        self.lined += group.lines.len() - at;
        if droppable && !group.droppable {
            // The first that can be dropped: from here on the two differ.
            group.kept = group.lines[..at].to_vec();
            group.droppable = true;
        } else if group.droppable && !droppable {
            group.kept.extend_from_slice(&group.lines[at..]);
        }
    }

    pub fn take_dirty(&mut self) -> Vec<Gid> {
        self.lined = 0;
        std::mem::take(&mut self.dirty)
    }

    /// Bytes of lines since they were last taken.
    pub fn lined(&self) -> usize {
        self.lined
    }

    /// The group's lines so far, as frames; `None` when there are none.
    pub fn batch(&mut self, gid: Gid) -> Option<Batch> {
        let group = self.map.get_mut(&gid)?;
        if group.lines.is_empty() {
            return None;
        }
        let all = frame::text(&group.lines);
        let kept = match (group.droppable, group.kept.is_empty()) {
            (false, _) => Some(all.clone()),
            (true, true) => None,
            (true, false) => Some(frame::text(&group.kept)),
        };
        group.lines.clear();
        group.kept.clear();
        group.droppable = false;
        Some(Batch { all, kept })
    }
}
