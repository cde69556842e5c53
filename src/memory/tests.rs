//! Which answers must the budget, the files and the parcels give?
