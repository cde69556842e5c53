//! What is still needed where states could not be made?
//!
//! A batch whose state fails is made again with the next one, from the last state that is there. Until then nothing that
//! came since is forgotten, and a checkpoint holds that state and the inputs since: so it is no other after a restart.

use super::driver::Driver;
use super::graph::Graph;
use super::node::{Kind, NodeId};
use super::outline::Kept;
use super::time::Millis;

impl<D: Driver> Graph<D> {
    /// The state of a batch is there, whatever it was made of.
    pub(super) fn note_settled(&mut self, node: NodeId, time: Millis, rdd: D::Rdd) {
        if let Some(node) = self.nodes.get_mut(node.index())
            && matches!(node.kind, Kind::State { .. })
            && node.settled.as_ref().is_none_or(|(newest, _)| *newest <= time)
        {
            node.settled = Some((time, rdd));
        }
    }

    /// The last state of a node that is there, if it has states; before the first one there is none.
    pub(super) fn last_state(&self, node: NodeId) -> Option<Option<(Millis, D::Rdd)>> {
        let node = self.nodes.get(node.index())?;
        matches!(node.kind, Kind::State { .. }).then(|| node.settled.clone())
    }

    /// The time after which all that came is still needed, if states could not be made.
    pub(super) fn behind(&self, time: Millis) -> Option<Millis> {
        let states = self.nodes.iter().filter(|node| matches!(node.kind, Kind::State { .. }));
        let failed = states.filter_map(|node| {
            let (newest, rdd) = node.generated.range(..=time).next_back()?;
            let there = node.settled.as_ref().map_or(self.zero(), |(time, _)| Some(*time))?;
            (rdd.is_some() && there < *newest).then_some(there)
        });
        failed.min()
    }

    /// What came after a time, for a checkpoint.
    pub(super) fn inputs_after(&self, from: Millis, until: Millis) -> Vec<Kept<D>> {
        let inputs = self.nodes.iter().enumerate().filter(|(_, node)| matches!(node.kind, Kind::Input { .. }));
        let came = inputs.flat_map(|(n, node)| {
            let since = node.generated.range(from + Millis(1)..=until);
            since.map(move |(at, rdd)| Kept { node: NodeId(n as u32), time: *at, rdd: rdd.clone(), replaces: false })
        });
        came.collect()
    }
}
