// What drawing needs to know of the view.

/** The view as it is drawn. */
export function sceneOf(view) {
  const { rows, fold, scale, selected, suspensions } = view;
  const pathOn = view.pathOn && rows.path !== null;
  if (pathOn && !view.pathRows) view.pathRows = placesOfPath(rows.path, fold);
  return {
    rows, fold, scale, selected, suspensions, found: view.found.set, pathOn, path: rows.path, pathRows: view.pathRows ?? new Map(), dense: view.mode === 'tree',
    isQueueOnPath: (row) => (rows.path?.ofRow.get(row) ?? []).some((i) => rows.path.kinds[rows.path.kind[i]] === 'queue'),
    placeOfStretch: (i) => (rows.path.row[i] < 0 ? -1 : fold.place[fold.nearest(rows.path.row[i])]),
    relations: (row) => view.relations(row),
  };
}

/** The stretches of the critical path by the row that shows them. */
function placesOfPath(path, fold) {
  const places = new Map();
  path.row.forEach((of, i) => {
    const row = of < 0 ? -1 : fold.nearest(of);
    if (row < 0) return;
    if (places.has(row)) places.get(row).push(i);
    else places.set(row, [i]);
  });
  return places;
}
