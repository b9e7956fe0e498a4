// @ts-check
/**
 * The element of index.html with that id.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);
