// @ts-check
/**
 * Return the element of index.html with this ID.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);
