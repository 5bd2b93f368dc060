@group(0) @binding(8) var<storage, read> lamps: array<Lamp>;
