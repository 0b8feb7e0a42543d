// How Streamlit's components live: one instance for each element, for as long as the element is in the page.

/** Return what Streamlit calls at every change of data and theme. `make(parent, data)` gives an instance with `update` and `destroy`. */
export function mounting(make) {
  const instances = new WeakMap();
  return function mount({ data, parentElement, setTriggerValue }) {
    let instance = instances.get(parentElement);
    if (!instance) {
      instance = make(parentElement, data);
      instances.set(parentElement, instance);
    }
    instance.update(data, setTriggerValue);
    return () => {
      // Streamlit calls this also when newer data overtook these; the element stays then, with what is under way in it.
      if (parentElement.isConnected) return;
      instances.delete(parentElement);
      instance.destroy();
    };
  };
}
